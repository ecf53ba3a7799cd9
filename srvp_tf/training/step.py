"""One training step: noise, objective, gradients over all replicas, guarded update."""

from typing import Any, NamedTuple

import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.config.processor import tell_what_slows
from srvp_tf.models.clips import Clips, parts
from srvp_tf.models.losses import latent_kl, objective
from srvp_tf.models.noise import replica_noise
from srvp_tf.models.video_model import VideoModel
from srvp_tf.training.optimizer import LossScale, PublishedAdam, PublishedSchedule


class Contribution(NamedTuple):
    """What some videos of a batch add to its means: summed over replicas, these are the means.

    loss: weighted, scalar. terms: name -> scalar, unweighted. kl: name of a latent variable -> [d],
    its KL term by dimension.
    """

    loss: tf.Tensor
    terms: dict[str, tf.Tensor]
    kl: dict[str, tf.Tensor]


class StepResult(NamedTuple):
    """Outcome of one step over the global batch; `is_finite` tells whether it was applied.

    loss_scale: what multiplied the loss, scalar.
    """

    mean: Contribution
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor
    is_finite: tf.Tensor
    loss_scale: tf.Tensor | float = 1.0


def contribution(
    loss: tf.Tensor,
    terms: dict[str, tf.Tensor],
    outputs: Any,
    global_batch: int | tf.Tensor,
) -> Contribution:
    """Of videos, from their loss [B], its terms and what the model returned for them."""
    global_batch = tf.cast(global_batch, loss.dtype)

    def share(per_video: tf.Tensor):
        return tf.reduce_sum(per_video, axis=0) / global_batch

    return Contribution(
        loss=share(loss),
        terms={name: share(term) for name, term in terms.items()},
        kl={
            name: share(tf.reduce_sum(kl, axis=list(range(1, kl.shape.rank - 1))))
            for name, kl in latent_kl(outputs).items()
        },
    )


class TrainingStep:
    """Trains a model on batches, on every replica of the strategy under which both are made."""

    def __init__(self, model: VideoModel, config: TrainConfig):
        tell_what_slows(config.precision)
        self.model, self.config = model, config
        self.strategy = tf.distribute.get_strategy()
        c = config
        self.optimizer = PublishedAdam(PublishedSchedule(c.learning_rate, c.lr_burnin, c.lr_decay))
        self.optimizer.build(model.trainable_variables)
        self.loss_scale = LossScale(dynamic=config.precision == "mixed_float16")
        self._compiled = tf.function(self._step, reduce_retracing=True)

    def __call__(self, clips: Clips | tf.distribute.DistributedValues, step: int):
        """Step number `step` >= 1 (int) on a global batch of clips, distributed by the strategy.

        Clips are [B, T, H, W, C], uint8 or float in [0, 1], with actions if the model takes some.
        Returns a `StepResult`.
        """
        return self._compiled(clips, tf.constant(step, tf.int64))

    def _step(self, clips: Clips, step: tf.Tensor):
        def replica_step(clips: Clips):
            c = self.config
            noise = replica_noise(self.model, c.seed, step, clips, c.decoded_frames)
            return self.gradients(clips, noise)

        gradients, mean = self.strategy.run(replica_step, args=(clips,))
        with self.strategy.scope():  # the caller may be outside
            return self.update(gradients, mean)

    def gradients(self, clips: Clips, noise: Any) -> tuple[list[tf.Tensor], Contribution]:
        """Gradients of the loss of the global batch, and its `Contribution`, in a replica context.

        Both are sums over all replicas.
        """
        context = tf.distribute.get_replica_context()
        global_batch = tf.shape(parts(clips)[0])[0] * context.num_replicas_in_sync
        with tf.GradientTape() as tape:
            weights = self.config.weights(self.model.loss_terms)
            loss, terms, outputs = objective(self.model, clips, noise, weights)
            local = contribution(loss, terms, outputs, global_batch)
            scaled_loss = self.loss_scale.scale(local.loss)
        gradients = tape.gradient(
            scaled_loss,
            [v.value for v in self.model.trainable_variables],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,  # biases before a normalisation
        )
        return _summed([self.loss_scale.unscale(g) for g in gradients], local)

    def update(self, gradients: list, mean: Contribution) -> StepResult:
        """Apply summed gradients, unless a number is not finite, in the cross-replica context."""
        first = self.strategy.experimental_local_results
        mean = tf.nest.map_structure(lambda x: first(x)[0], mean)
        summed = [first(g)[0] for g in gradients]
        norm = tf.linalg.global_norm(summed)
        is_finite = tf.math.is_finite(mean.loss) & tf.math.is_finite(norm)
        rate, loss_scale = self.optimizer.learning_rate, self.loss_scale.current()

        def apply():
            # Keras' `apply` would reduce the gradients again.
            numbers = self.optimizer.corrected(rate, self.model.dtype)  # once for all variables
            for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True):
                self.strategy.extended.update(
                    variable.value, self.optimizer.update, args=(gradient, *numbers), group=False
                )
            self.optimizer.iterations.assign_add(1)
            return True

        tf.cond(is_finite, apply, lambda: False)
        self.loss_scale.update(is_finite)
        return StepResult(mean, norm, rate, is_finite, loss_scale)


def _summed(gradients: list[tf.Tensor], local: Contribution):
    """Gradients and a `Contribution`, summed over all replicas."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients, local
    flat = [*gradients, *tf.nest.flatten(local)]
    summed = context.all_reduce(tf.distribute.ReduceOp.SUM, flat)
    return summed[: len(gradients)], tf.nest.pack_sequence_as(local, summed[len(gradients) :])
