"""One training step: noise, objective, gradients over all replicas, guarded update."""

from typing import NamedTuple

import tensorflow as tf

from srvp_tf.config.processor import tell_what_slows
from srvp_tf.models.losses import latent_kl, loss_terms, weighted_sum
from srvp_tf.models.noise import replica_noise
from srvp_tf.training.optimizer import Adam, LossScale, learning_rate
from srvp_tf.training.skipped_steps import Diagnosis, largest_latent, worst_gradient


class Contribution(NamedTuple):
    """What some videos of a batch add to its means: summed over replicas, these are the means.

    loss: weighted, scalar. terms: name -> scalar, unweighted. kl_y1 [ny], kl_z [nz]: the KL terms
    by dimension.
    """

    loss: tf.Tensor
    terms: dict[str, tf.Tensor]
    kl_y1: tf.Tensor
    kl_z: tf.Tensor


class StepResult(NamedTuple):
    """Outcome of one step over the global batch; `is_finite` tells whether it was applied."""

    mean: Contribution
    gradient_norm: tf.Tensor
    learning_rate: tf.Tensor
    is_finite: tf.Tensor
    diagnosis: Diagnosis = Diagnosis()


def contribution(frames, outputs, weights, global_batch) -> Contribution:
    """Of videos [B, T, H, W, C] and their `Reconstruction`; weights: of loss terms by name."""
    kl = latent_kl(outputs)
    terms = loss_terms(frames, outputs, weights)

    def share(per_video):
        return tf.reduce_sum(per_video, axis=0) / global_batch

    return Contribution(
        loss=share(weighted_sum(terms, weights)),
        terms={name: share(term) for name, term in terms.items()},
        kl_y1=share(kl.y_1),
        kl_z=share(tf.reduce_sum(kl.z, axis=1)),
    )


class TrainingStep:
    """Trains a model on batches, on every replica of the current strategy.

    Args:
        model: an `SRVP`, made under the strategy.
        config: a `TrainConfig`.
    """

    def __init__(self, model, config):
        tell_what_slows(config.precision)
        self.model, self.config = model, config
        self.strategy = tf.distribute.get_strategy()
        self.optimizer = Adam([v.value for v in model.trainable_variables])
        self.loss_scale = LossScale(dynamic=config.precision == "mixed_float16")
        self._compiled = tf.function(self._step, reduce_retracing=True)

    def __call__(self, clips, step):
        """Step number `step` >= 1 (int) on a global batch of clips, distributed by the strategy.

        Clips are [B, T, H, W, C], uint8 or float in [0, 1]. Returns a `StepResult`.
        """
        return self._compiled(clips, tf.constant(step, tf.int64))

    def _step(self, clips, step):
        rate = learning_rate(
            step, self.config.learning_rate, self.config.lr_burnin, self.config.lr_decay
        )

        def replica_step(clips):
            noise = replica_noise(self.model.config, self.config.seed, step, clips)
            gradients, local, outputs = self._local(clips, noise)
            is_finite = _are_finite(local.loss, tf.linalg.global_norm(gradients))
            largest = largest_latent(self.model, outputs, noise, is_finite)
            return *_summed(gradients, local), largest

        gradients, mean, largest = self.strategy.run(replica_step, args=(clips,))
        largest = tf.reduce_max(tf.stack(self.strategy.experimental_local_results(largest)))
        with self.strategy.scope():  # the caller may be outside
            return self.update(gradients, mean, rate, largest)

    def gradients(self, clips, noise):
        """Gradients of the loss of the global batch, and its `Contribution`, in a replica context.

        Both are sums over all replicas; gradients are multiplied by the loss scale.
        """
        gradients, local, _ = self._local(clips, noise)
        return _summed(gradients, local)

    def _local(self, clips, noise):
        """This replica's part of the gradients and the `Contribution`, and its outputs."""
        context = tf.distribute.get_replica_context()
        global_batch = tf.shape(clips)[0] * context.num_replicas_in_sync
        frames = self.model.to_unit_range(clips)
        with tf.GradientTape() as tape:
            outputs = self.model(frames, noise, training=True)
            global_batch = tf.cast(global_batch, frames.dtype)
            local = contribution(frames, outputs, self.config.weights(), global_batch)
            scaled_loss = self.loss_scale.scale(local.loss)
        gradients = tape.gradient(scaled_loss, [v.value for v in self.model.trainable_variables])
        return gradients, local, outputs

    def update(self, gradients, mean, rate, largest_latent=0.0):
        """Apply summed gradients, unless a number is not finite, in the cross-replica context.

        `largest_latent` is passed on, for the `Diagnosis`.
        """
        first = self.strategy.experimental_local_results
        mean = tf.nest.map_structure(lambda x: first(x)[0], mean)
        summed = [first(g)[0] for g in gradients]
        norm = self.loss_scale.unscale(tf.linalg.global_norm(summed))
        is_finite = _are_finite(mean.loss, norm)
        diagnosis = Diagnosis(
            worst_gradient(summed, is_finite), largest_latent, self.loss_scale.current()
        )

        def apply():
            self.optimizer.apply(gradients, rate, self.loss_scale.unscale)
            return True

        tf.cond(is_finite, apply, lambda: False)
        self.loss_scale.update(is_finite)
        return StepResult(mean, norm, rate, is_finite, diagnosis)


def _are_finite(loss, norm):
    return tf.math.is_finite(loss) & tf.math.is_finite(norm)


def _summed(gradients, local):
    """Gradients and a `Contribution`, summed over all replicas."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return gradients, local
    flat = [*gradients, *tf.nest.flatten(local)]
    summed = context.all_reduce(tf.distribute.ReduceOp.SUM, flat)
    return summed[: len(gradients)], tf.nest.pack_sequence_as(local, summed[len(gradients) :])
