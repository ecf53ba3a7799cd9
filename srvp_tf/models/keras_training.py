"""Keras' own ways to train and judge a model of videos: `compile`, `fit`, `evaluate`, `predict`."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.config.registries import LOSS_TERMS
from srvp_tf.errors import UserError
from srvp_tf.models.clips import Clips, parts
from srvp_tf.models.forecast_arguments import as_tensor, check_actions, check_frames
from srvp_tf.models.losses import objective
from srvp_tf.models.noise import replica_noise


class _Means:
    """Name -> `keras.metrics.Mean`: an object, as a model that is built takes no new state."""

    def __init__(self, *names):
        self.of = {name: keras.metrics.Mean(name=name) for name in names}


class KerasTraining(keras.Model):
    """What `fit` needs of a model that reconstructs: the objective and its noise (docs/model.md).

    Noise is addressed by (seed, step, index in the global batch), as the trainer's.
    """

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        loss_weights: Mapping[str, float] | None = None,
        seed: int = 0,
        decoded_frames: int = 0,
        **options,
    ) -> None:
        """Configure `fit` and `evaluate`.

        Args:
            optimizer: any of Keras'; the published one is `training.optimizer.PublishedAdam`.
            loss_weights: name -> weight of terms of the loss (`LOSS_TERMS`); those of the model
                itself that are not named have the weight that `TrainConfig` gives them.
            seed: of the noise.
            decoded_frames: of each clip, drawn at random in training; 0: all.
            options: Keras' own, without `loss` and `metrics`: the loss is the model's, and its
                terms are the metrics.

        Raises:
            UserError: an unknown term; a loss, or metrics.
        """
        for name in ("loss", "metrics", "weighted_metrics"):
            if options.get(name) is not None:
                raise UserError(f"{name}: the loss is the model's, its terms are the metrics")
        given = dict(loss_weights or {})
        for name in given:
            LOSS_TERMS[name]  # raises if there is none
        super().compile(optimizer=optimizer, **options)
        self.loss_weights = TrainConfig().weights(self.loss_terms) | given
        self.noise_seed = seed
        self.num_decoded, self._means = decoded_frames, _Means("loss", *self.loss_weights)
        self.optimizer.build(self.trainable_variables)  # not in a graph that may fail

    def get_compile_config(self) -> dict:
        """What `compile` was given, for `.keras` files; nothing for a model that was not compiled.

        Of the options none is kept.
        """
        if not self.compiled:
            return {}
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "loss_weights": dict(self.loss_weights),
            "seed": self.noise_seed,
            "decoded_frames": self.num_decoded,
        }

    def compile_from_config(self, config: dict) -> None:
        """`compile` with what `get_compile_config` gave."""
        optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
        self.compile(optimizer, **{k: v for k, v in config.items() if k != "optimizer"})

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Means over videos of the loss and of its terms."""
        return list(self._means.of.values()) if self.compiled else []

    def fit(
        self, x: tf.Tensor | np.ndarray | tf.data.Dataset | None = None, y: None = None, **options
    ) -> keras.callbacks.History:
        """Keras' `fit` on clips alone: the loss is that of their reconstruction.

        Args:
            x: clips [N, T, H, W, C], T >= nt_inf, uint8 or float in [0, 1], or a `tf.data.Dataset`
                of batches of such. For a model with actions, here and below, {"frames": clips,
                "actions": those of the intervals [N, T - 1, A]}.
            y: none.
            options: Keras' own.

        Raises:
            UserError: there is a y; clips, of a dataset those of the first batch, are not as above.
        """
        self._check_clips(x, y)
        return super().fit(x, **options)

    def evaluate(
        self, x: tf.Tensor | np.ndarray | tf.data.Dataset | None = None, y: None = None, **options
    ) -> float | list[float] | dict[str, float]:
        """Keras' `evaluate`: means over clips of the loss and its terms; arguments as of `fit`."""
        self._check_clips(x, y)
        return super().evaluate(x, **options)

    def _check_clips(self, x: object, y: object):
        if isinstance(x, tf.data.Dataset):
            x = next(iter(x.take(1)), None)
        if isinstance(x, tuple):
            x, y, *_ = (*x, None)
        if y is not None:
            raise UserError("y: the loss is the model's, give clips alone, with all their frames")
        frames, given = parts(x)
        if tf.is_tensor(frames) or isinstance(frames, (np.ndarray, list)):  # else Keras' affair
            check_frames(frames := as_tensor(frames), self.config)
            check_actions(given.get("actions"), frames, self.config)

    def export(self, *arguments, **options) -> None:
        """Not Keras' own: raises `UserError`, which names the exporters."""
        raise UserError("export a model with python -m export.saved_model, or export.tflite")

    def train_step(self, data: Clips) -> dict[str, tf.Tensor]:
        """One step on this replica's part of a batch of clips [B, T, H, W, C]; see `fit`."""
        with tf.GradientTape() as tape:
            loss = self._loss(data, step=self.optimizer.iterations + 1, training=True)
            loss = self.optimizer.scale_loss(loss)
        weights = self.trainable_weights
        gradients = tape.gradient(
            loss,
            [weight.value for weight in weights],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,  # biases before a normalisation
        )
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data: Clips) -> dict[str, tf.Tensor]:
        """The objective of this replica's part of a batch of clips, and no training."""
        self._loss(data, step=0, training=False)
        return {metric.name: metric.result() for metric in self.metrics}

    def _loss(self, data: Clips, step: tf.Tensor, training: bool):
        """This replica's share of the loss of the global batch, which the metrics hear of."""
        clips, *_ = keras.utils.unpack_x_y_sample_weight(data)
        num_decoded = self.num_decoded if training else 0
        step = tf.cast(step, tf.int64)
        noise = replica_noise(self, self.noise_seed, step, clips, num_decoded)
        per_video, terms, _ = objective(self, clips, noise, self.loss_weights, training)
        for name, value in {**terms, "loss": per_video}.items():
            self._means.of[name].update_state(value)
        context = tf.distribute.get_replica_context()
        global_batch = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.shape(per_video)[0])
        return tf.reduce_sum(per_video) / tf.cast(global_batch, per_video.dtype)

    def predict(
        self, x: tf.Tensor | np.ndarray | tf.data.Dataset, batch_size: int = 8, **options
    ) -> np.ndarray:
        """Reconstructions of many videos, batch by batch; for their futures see `forecast`.

        Args:
            x: videos [N, T, H, W, C], or a `tf.data.Dataset` of batches of such; as of `fit`.
            batch_size: of an array; the result does not depend on it but for rounding.
            options: Keras' own: verbose, steps, callbacks.

        Returns:
            float32 array [N, T, H, W, C]: the frames of `model(x)`.

        Raises:
            UserError: as `call`.
        """
        if not isinstance(x, tf.data.Dataset):
            self._check_clips(x, None)
            x = tf.nest.map_structure(as_tensor, x) if isinstance(x, dict) else as_tensor(x)
            x = tf.data.Dataset.from_tensor_slices(x).batch(batch_size)

        def numbered(first: tf.Tensor, clips: Clips):
            after = first + tf.shape(parts(clips)[0])[0]
            return after, (tf.range(first, after), clips)

        return super().predict(x.scan(0, numbered), **options)

    def predict_step(self, data: tuple[tf.Tensor, Clips]) -> tf.Tensor:
        """Frames reconstructed from a batch of (number of the video [B], clips)."""
        numbers, clips = data
        frames, given = parts(clips)
        return self(frames, training=False, video_ids=numbers, **given).frames
