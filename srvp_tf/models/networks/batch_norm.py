"""Batch normalisation with the model's conventions: fused, synchronized, or folded away."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import norm_scale

EPSILON = 1e-5
MOMENTUM = 0.9  # running = 0.9 running + 0.1 batch


class BatchNorm(keras.layers.Layer):
    """Batch normalisation of x [N, H, W, C] over N, H, W, in training.

    Normalises with the biased variance of the batch and feeds the running variance with the
    unbiased one. On several replicas the statistics are those of the global batch. In inference the
    layer is an affine map, given by `affine`, which the convolution before it absorbs.
    """

    def __init__(self, channels: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.seed = seed

    def build(self, input_shape: tuple | None = None) -> None:
        shape = (self.channels,)
        # Never autocast: scale, offset and statistics stay in the variable dtype.
        self.scale = self.add_weight(shape, norm_scale(self.seed), name="scale", autocast=False)
        self.offset = self.add_weight(shape, "zeros", name="offset", autocast=False)
        # Every replica computes the same statistics of the global batch: the first one's will do.
        statistic = {
            "trainable": False,
            "autocast": False,
            "aggregation": "only_first_replica",
        }
        self.mean = self.add_weight(shape, "zeros", name="mean", **statistic)
        self.variance = self.add_weight(shape, "ones", name="variance", **statistic)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalise with the batch's statistics and update the running ones; keeps the dtype."""
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        if replicas > 1 or inputs.dtype == tf.float64:  # the fused kernel knows neither
            outputs, mean, unbiased_variance = self._synchronized(inputs, replicas)
        else:
            outputs, mean, unbiased_variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=inputs,
                scale=tf.convert_to_tensor(self.scale),
                offset=tf.convert_to_tensor(self.offset),
                mean=[],
                variance=[],
                epsilon=EPSILON,
                is_training=True,
            )
        for running, batch in ((self.mean, mean), (self.variance, unbiased_variance)):
            updated = MOMENTUM * running.value + (1.0 - MOMENTUM) * tf.stop_gradient(batch)
            # A batch that overflowed is skipped by the optimiser: it must leave no trace here too.
            running.assign(tf.where(tf.math.is_finite(updated), updated, running.value))
        return outputs

    def affine(self) -> tuple[tf.Tensor, tf.Tensor]:
        """(scale, offset), each [C]: what inference mode does, as a map of each channel."""
        scale = self.scale * tf.math.rsqrt(self.variance + EPSILON)
        return scale, self.offset - self.mean * scale

    def _synchronized(self, inputs: tf.Tensor, replicas: int):
        """(outputs, mean [C], unbiased variance [C]) with the statistics of the global batch."""

        def global_mean(value: tf.Tensor):
            if replicas == 1:
                return value
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, value) / replicas

        x = tf.cast(inputs, self.variable_dtype)
        mean = global_mean(tf.reduce_mean(x, [0, 1, 2]))
        variance = global_mean(tf.reduce_mean(tf.math.squared_difference(x, mean), [0, 1, 2]))
        affine = [tf.convert_to_tensor(parameter) for parameter in (self.offset, self.scale)]
        outputs = tf.nn.batch_normalization(x, mean, variance, *affine, EPSILON)
        count = tf.cast(replicas * (tf.size(x) // self.channels), x.dtype)
        return tf.cast(outputs, inputs.dtype), mean, variance * count / (count - 1.0)

    def get_config(self) -> dict:
        return super().get_config() | {"channels": self.channels, "seed": self.seed}
