"""Linear map, batch normalisation, activation: the unit that encoder and decoder are made of."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import child_seed, convolution
from srvp_tf.models.networks.batch_norm import BatchNorm
from srvp_tf.models.networks.linear_maps import LINEAR_MAPS

LEAKY_SLOPE = 0.2
# Bounded outputs leave the convolutions: they are computed and returned in the variables' dtype.
_BOUNDED = {"tanh": tf.tanh, "sigmoid": tf.sigmoid}


@tf.custom_gradient
def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU with slope 0.2, whose gradient needs the output alone: x is not kept for it."""
    outputs = tf.nn.leaky_relu(x, LEAKY_SLOPE)

    def gradient(upstream: tf.Tensor):
        # The signs of output and input are the same.
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=outputs, alpha=LEAKY_SLOPE)

    return outputs, gradient


class ConvBlock(keras.layers.Layer):
    """`activation(norm(linear(concat(x, shared))))`: x [B K, ...] -> [B K, H, W, filters].

    `shared` [B, ...], if there is any, is common to the K consecutive items of x that belong to one
    video, and its half of the linear map is computed once. In inference the normalisation is folded
    into the kernel and an offset.

    Args:
        linear: a name in `LINEAR_MAPS`.
        in_channels, shared_channels, filters: channels of x, of `shared` (0: none), of the output.
        shared_first: the input is concat(shared, x), in the place of concat(x, shared).
        normalize: whether a batch normalisation follows the linear map.
        activation: "leaky_relu" (slope 0.2), "tanh" or "sigmoid".
    """

    def __init__(
        self,
        linear: str,
        in_channels: int,
        filters: int,
        shared_channels: int = 0,
        shared_first: bool = False,
        normalize: bool = True,
        activation: str = "leaky_relu",
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.linear = LINEAR_MAPS[linear]
        self.in_channels = in_channels
        self.shared_channels = shared_channels
        self.shared_first = shared_first
        self.activation = activation
        self.seed = seed
        self._config = {
            "linear": linear,
            "in_channels": in_channels,
            "filters": filters,
            "shared_channels": shared_channels,
            "shared_first": shared_first,
            "normalize": normalize,
            "activation": activation,
            "seed": seed,
        }
        self.filters = filters
        self.normalize = normalize

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Of the kernel of the whole input, in the layout of `linear_maps`."""
        shape = [self.linear.size, self.linear.size, 0, 0]
        shape[self.linear.input_axis] = self.in_channels + self.shared_channels
        shape[self.linear.output_axis] = self.filters
        return tuple(shape)

    def build(self, input_shape: tuple | None = None) -> None:
        initial = convolution(child_seed(self.seed, "kernel"))
        self.kernel = self.add_weight(self.kernel_shape, initial, name="kernel", autocast=False)
        self.norm = None
        if self.normalize:
            norm_seed = child_seed(self.seed, "norm")
            self.norm = BatchNorm(self.filters, norm_seed, name="norm", dtype=self.dtype_policy)
            self.norm.build()

    def call(
        self, inputs: tf.Tensor, shared: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        outputs = self._apply(inputs, shared, *self.parameters(training))
        if training and self.norm is not None:
            outputs = self.norm(outputs)
        return self._activate(outputs)

    def parameters(
        self, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
        """What the linear map needs: (own kernel, shared kernel or None, offset or None).

        In inference the normalisation is part of them.
        """
        kernel, offset = tf.convert_to_tensor(self.kernel), None
        if self.norm is not None and not training:
            scale, offset = self.norm.affine()
            kernel *= scale[:, None] if self.linear.output_axis == 2 else scale
            offset = tf.cast(offset, self.compute_dtype)
        return *self._prepared(kernel), offset

    def _activate(self, outputs: tf.Tensor):
        if self.activation in _BOUNDED:
            return _BOUNDED[self.activation](tf.cast(outputs, self.variable_dtype))
        return leaky_relu(outputs)

    def _prepared(self, kernel: tf.Tensor):
        """The kernels of x and of `shared` (or None), as their maps apply them."""
        own, shared, linear = kernel, None, self.linear
        if self.shared_channels:
            sizes = [self.in_channels, self.shared_channels]
            if self.shared_first:
                shared, own = tf.split(kernel, sizes[::-1], linear.input_axis)
            else:
                own, shared = tf.split(kernel, sizes, linear.input_axis)
            shared = tf.cast(linear.shared.prepare(shared), self.compute_dtype)
        return tf.cast(linear.prepare(own), self.compute_dtype), shared

    def _apply(
        self,
        inputs: tf.Tensor,
        shared: tf.Tensor | None,
        own_kernel: tf.Tensor,
        shared_kernel: tf.Tensor | None,
        offset: tf.Tensor | None = None,
    ):
        outputs = self.linear.apply(tf.cast(inputs, self.compute_dtype), own_kernel)
        if shared_kernel is None:
            return outputs if offset is None else tf.nn.bias_add(outputs, offset)
        shared = tf.cast(shared, self.compute_dtype)
        common = self.linear.shared.apply(shared, shared_kernel)
        if offset is not None:
            common = tf.nn.bias_add(common, offset)
        common_shape = tf.shape(common)
        by_video = tf.reshape(outputs, tf.concat([common_shape[:1], [-1], common_shape[1:]], 0))
        return tf.reshape(by_video + common[:, None], tf.shape(outputs))

    def get_config(self) -> dict:
        return super().get_config() | self._config
