"""Batch normalisation with the model's conventions: fused, synchronized, or folded away."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.models.configured_layer import SeededLayer
from srvp_tf.models.initializers import norm_scale

EPSILON = 1e-5
MOMENTUM = 0.9  # running = 0.9 running + 0.1 batch


class BatchNorm(SeededLayer):
    """Batch normalisation of x [N, H, W, C] over N, H, W, in training.

    Normalises with the biased variance of the batch and feeds the running variance with the
    unbiased one. On several replicas the statistics are those of the global batch. In inference the
    layer is an affine map, given by `affine`, which the convolution before it absorbs.
    """

    def __init__(self, channels: int, seed: int | None = None, **kwargs):
        super().__init__(seed, autocast=False, **kwargs)  # a bias stays in the variable dtype
        self.channels = channels

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

    def call(
        self,
        inputs: tf.Tensor,
        bias: tf.Tensor | None = None,
        time_steps: Sequence[int] | None = None,
    ) -> tf.Tensor:
        """Normalise with the batch's statistics and update the running ones; keeps the dtype.

        Args:
            inputs: [N, H, W, C].
            bias: [C], of the linear map before, which did not add it: the normalisation would take
                it away again, and the running mean alone knows of it.
            time_steps: the inputs are T batches in a row, [T B, H, W, C], each normalised on its
                own; these are their numbers in the order in which they reach the running
                statistics, once or several times. None: one batch, and one update; (): one batch,
                and no update.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        order = (0,) if time_steps is None else tuple(time_steps)
        num_batches = max(order, default=0) + 1
        if replicas > 1 or inputs.dtype == tf.float64:  # the fused kernel knows neither
            outputs, means, variances = self._synchronized(inputs, replicas, num_batches)
        else:
            batches = [inputs] if num_batches == 1 else tf.split(inputs, num_batches)
            parts, means, variances = zip(*map(self._fused, batches), strict=True)
            outputs = parts[0] if num_batches == 1 else tf.concat(parts, 0)
            means, variances = tf.stack(means), tf.stack(variances)
        if not order:
            return outputs
        if bias is not None:
            means += bias
        # What each batch adds to the running statistics, and what is left of those before.
        shares = np.zeros(num_batches)
        for age, batch in enumerate(reversed(order)):
            shares[batch] += (1.0 - MOMENTUM) * MOMENTUM**age
        for running, values in ((self.mean, means), (self.variance, variances)):
            batch_part = tf.reduce_sum(shares[:, None] * tf.stop_gradient(values), 0)
            updated = MOMENTUM ** len(order) * running.value + batch_part
            # A batch that overflowed is skipped by the optimiser: it must leave no trace here too.
            running.assign(tf.where(tf.math.is_finite(updated), updated, running.value))
        return outputs

    def _fused(self, inputs: tf.Tensor):
        """(outputs, mean [C], unbiased variance [C]) of one batch."""
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.scale),
            offset=tf.convert_to_tensor(self.offset),
            mean=[],
            variance=[],
            epsilon=EPSILON,
            is_training=True,
        )[:3]

    def affine(self) -> tuple[tf.Tensor, tf.Tensor]:
        """(scale, offset), each [C]: what inference mode does, as a map of each channel."""
        scale = self.scale * tf.math.rsqrt(self.variance + EPSILON)
        return scale, self.offset - self.mean * scale

    def _synchronized(self, inputs: tf.Tensor, replicas: int, num_batches: int):
        """(outputs, means [T, C], unbiased variances [T, C]) of T batches over all replicas."""

        def global_mean(value: tf.Tensor):
            if replicas == 1:
                return value
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, value) / replicas

        x = tf.reshape(tf.cast(inputs, self.variable_dtype), [num_batches, -1, self.channels])
        mean = global_mean(tf.reduce_mean(x, 1, keepdims=True))
        squares = tf.math.squared_difference(x, mean)
        variance = global_mean(tf.reduce_mean(squares, 1, keepdims=True))
        affine = [tf.convert_to_tensor(parameter) for parameter in (self.offset, self.scale)]
        outputs = tf.nn.batch_normalization(x, mean, variance, *affine, EPSILON)
        outputs = tf.cast(tf.reshape(outputs, tf.shape(inputs)), inputs.dtype)
        count = tf.cast(replicas * tf.shape(x)[1], x.dtype)
        return outputs, mean[:, 0], variance[:, 0] * count / (count - 1.0)
