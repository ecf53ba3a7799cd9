"""Linear map, batch normalisation, activation: the unit that encoder and decoder are made of."""

from collections.abc import Sequence

import tensorflow as tf

from srvp_tf.models.configured_layer import SeededLayer
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


class ConvBlock(SeededLayer):
    """`activation(norm(linear(concat(x, shared))))`: x [B K, ...] -> [B K, H, W, filters].

    `shared` [B, ...], if there is any, is common to the K consecutive items of x that belong to one
    video, and its half of the linear map is computed once. In inference the normalisation is folded
    into the kernel and an offset.

    Args:
        linear: a name in `LINEAR_MAPS`.
        in_channels, shared_channels, filters: channels of x, of `shared` (0: none), of the output.
        shared_first: the input is concat(shared, x), in the place of concat(x, shared).
        normalize: whether a batch normalisation follows the linear map.
        bias: whether the linear map has one.
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
        bias: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        self.linear, self._linear_name = LINEAR_MAPS[linear], linear
        self.in_channels, self.filters = in_channels, filters
        self.shared_channels, self.shared_first = shared_channels, shared_first
        self.normalize, self.activation, self.has_bias = normalize, activation, bias
        self.bias = self.norm = None

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
        if self.has_bias:
            shape = (self.filters,)
            self.bias = self.add_weight(shape, "zeros", name="bias", autocast=False)
        if self.normalize:
            self.norm = self.part(BatchNorm, "norm", self.filters)
            self.norm.build()

    def call(
        self,
        inputs: tf.Tensor,
        shared: tf.Tensor | None = None,
        training: bool = False,
        time_steps: Sequence[int] | None = None,
        common: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Apply the block.

        Args:
            inputs: x.
            shared: see above.
            training: whether the normalisation uses, and learns from, the batch.
            time_steps: x is [T B, ...], the frames of B videos time step by time step, each
                normalised on its own (see `BatchNorm`). `shared` is [P B, ...] then: that of the
                first P steps, the last of which serves all later ones.
            common: what `shared_part` made of `shared`, in inference, in its place.
        """
        own_kernel, shared_kernel, offset = self.parameters(training)
        outputs = self.linear.apply(tf.cast(inputs, self.compute_dtype), own_kernel)
        if shared is not None:
            common = self._shared_part(shared, shared_kernel, offset)
        if common is None and offset is not None:
            outputs = tf.nn.bias_add(outputs, offset)
        elif common is not None and time_steps:
            outputs = _add_by_time(outputs, common, time_steps)
        elif common is not None:
            outputs = _add_by_video(outputs, common)
        if training and self.norm is not None:
            outputs = self.norm(outputs, bias=self.bias, time_steps=time_steps)
        return self._activate(outputs)

    def shared_part(self, shared: tf.Tensor) -> tf.Tensor:
        """What `shared` adds to the linear map in inference, for `call` to be given many times."""
        return self._shared_part(shared, *self.parameters()[1:])

    def parameters(
        self, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
        """What the linear map needs: (own kernel, shared kernel or None, offset or None).

        In inference the normalisation is part of them.
        """
        kernel, offset = tf.convert_to_tensor(self.kernel), None
        if self.norm is None and self.bias is not None:
            offset = tf.convert_to_tensor(self.bias)
        elif self.norm is not None and not training:
            scale, offset = self.norm.affine()
            kernel *= scale[:, None] if self.linear.output_axis == 2 else scale
            if self.bias is not None:
                offset += self.bias * scale
        if offset is not None:
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

    def _shared_part(self, shared: tf.Tensor, kernel: tf.Tensor, offset: tf.Tensor | None):
        common = self.linear.shared.apply(tf.cast(shared, self.compute_dtype), kernel)
        return common if offset is None else tf.nn.bias_add(common, offset)

    def get_config(self) -> dict:
        return super().get_config() | {"linear": self._linear_name, "bias": self.has_bias}


def _add_by_video(outputs: tf.Tensor, common: tf.Tensor):
    """Outputs [B K, ...] + what the K of a video have in common [B, ...]."""
    common_shape = tf.shape(common)
    by_video = tf.reshape(outputs, tf.concat([common_shape[:1], [-1], common_shape[1:]], 0))
    return tf.reshape(by_video + common[:, None], tf.shape(outputs))


def _add_by_time(outputs: tf.Tensor, common: tf.Tensor, time_steps: Sequence[int]):
    """Outputs [T B, ...] + those in common [P B, ...], the last of them for all later steps."""
    shape, num_steps = tf.shape(outputs), max(time_steps) + 1
    rows = tf.shape(outputs)[0] // num_steps
    first, later = tf.split(outputs, [tf.shape(common)[0], shape[0] - tf.shape(common)[0]])
    later = tf.reshape(later, tf.concat([[-1, rows], shape[1:]], 0)) + common[-rows:]
    later = tf.reshape(later, tf.concat([[-1], shape[1:]], 0))
    return tf.concat([first + common, later], 0)
