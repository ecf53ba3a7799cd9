"""The convolutions of the model as linear maps: one kernel, applied to the parts of its input.

A map of concat(h, s) is map_h(h) + map_s(s), with the kernel cut along its input channels. Where s
is the same for many h (a skip connection or the content variable, for all frames of a video) its
half is computed once. Kernels keep the published layout: [kh, kw, in, out], or
[kh, kw, out, in] if transposed.
"""

import tensorflow as tf

_FEW_CHANNELS = 4  # frames have 1 or 3; convolution kernels compute 8 or 16 at a time


class LinearMap:
    """A map of (inputs, kernel) in two steps, of which the first depends on the kernel alone.

    size: height and width of the kernel. input_axis, output_axis: its axes of channels.
    """

    size: int
    input_axis: int
    output_axis: int

    def apply(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """The map, given what `prepare` made of the kernel."""
        raise NotImplementedError

    def prepare(self, kernel: tf.Tensor) -> tf.Tensor:
        """The kernel in the form that `apply` takes."""
        return kernel

    @property
    def shared(self) -> "LinearMap":
        """The map of the half of the input that is common to all frames of a video."""
        return self


class Convolution(LinearMap):
    """`size` x `size` convolution of stride 1 or 2, padded as TensorFlow's SAME or VALID."""

    input_axis, output_axis = 2, 3

    def __init__(self, size: int, stride: int = 1, padding: str = "SAME"):
        self.size, self.stride, self.padding = size, stride, padding

    def apply(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(inputs, kernel, self.stride, self.padding)


class TransposedConvolution(LinearMap):
    """`size` x `size` transposed convolution whose output is `stride` times its input."""

    input_axis, output_axis = 3, 2

    def __init__(self, size: int, stride: int):
        self.size, self.stride = size, stride

    def apply(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if (self.size, self.stride) == (4, 2) and kernel.shape[self.output_axis] <= _FEW_CHANNELS:
            return _transposed_to_few_channels(inputs, kernel)
        batch, height, width = tf.unstack(tf.shape(inputs)[:3])
        static_height, static_width = inputs.shape[1:3]
        shape = [
            batch,
            self.stride * (static_height or height),
            self.stride * (static_width or width),
            kernel.shape[self.output_axis],
        ]
        return tf.nn.conv2d_transpose(inputs, kernel, shape, self.stride, "SAME")


@tf.custom_gradient
def _transposed_to_few_channels(inputs: tf.Tensor, kernel: tf.Tensor):
    """Transposed 4 x 4 convolution of stride 2 [N, h, w, in] -> [N, 2 h, 2 w, C], C a few.

    Blocks of 2 x 2 outputs, those between four inputs, see these four inputs alone: one 2 x 2
    convolution has them as its channels, 4 C in the place of C. It takes less than half of the time
    of the transposed one; the gradients are the usual ones.
    """
    # A tap belongs to one input of a block along each axis, the later first, and to one output.
    taps = tf.reshape(kernel, [2, 2, 2, 2, *kernel.shape[2:]])
    # One axis at a time: OpenVINO reads no other reversal.
    taps = tf.reverse(tf.reverse(taps, [0]), [2])
    taps = tf.transpose(taps, [0, 2, 5, 1, 3, 4])
    padding = [[0, 0], [1, 1], [1, 1], [0, 0]]
    blocks = tf.nn.conv2d(
        tf.pad(inputs, padding), tf.reshape(taps, [2, 2, kernel.shape[3], -1]), 1, "VALID"
    )
    # The outermost blocks lie half outside.
    outputs = tf.nn.depth_to_space(blocks, 2)[:, 1:-1, 1:-1]

    def gradient(upstream: tf.Tensor):
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=upstream,
            filter_sizes=tf.shape(kernel),
            out_backprop=inputs,
            strides=[1, 2, 2, 1],
            padding="SAME",
        )
        return tf.nn.conv2d(upstream, kernel, 2, "SAME"), of_kernel

    return outputs, gradient


class Expansion(LinearMap):
    """Transposed convolution without padding, from vectors [..., D] to [..., size, size, C]."""

    input_axis, output_axis = 3, 2

    def __init__(self, size: int):
        self.size = size

    def prepare(self, kernel: tf.Tensor) -> tf.Tensor:
        """A matrix [D, size * size * C]."""
        return tf.reshape(tf.transpose(kernel, [3, 0, 1, 2]), [kernel.shape[self.input_axis], -1])

    def apply(self, inputs: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
        channels = matrix.shape[1] // self.size**2
        return tf.reshape(tf.linalg.matmul(inputs, matrix), [-1, self.size, self.size, channels])


class UpsampledConvolution(LinearMap):
    """Nearest upsampling x2, then a 3 x 3 convolution of what was upsampled and of the skip.

    Every output pixel sees 2 x 2 distinct inputs, so that the two steps are one transposed 4 x 4
    convolution of stride 2, with taps k2, k1 + k2, k0 + k1, k0 along each axis: 4 products per
    output in the place of 9, zero padding included. A skip has the upsampled size already.
    """

    input_axis, output_axis = 2, 3
    size = 3

    def prepare(self, kernel: tf.Tensor) -> tf.Tensor:
        """The taps merged: [4, 4, out, in]."""
        transposed = tf.transpose(kernel, [0, 1, 3, 2])
        rows = [tf.unstack(row) for row in _merged_taps(tf.unstack(transposed))]
        return tf.stack([tf.stack(_merged_taps(row)) for row in rows])

    def apply(self, inputs: tf.Tensor, merged: tf.Tensor) -> tf.Tensor:
        return TransposedConvolution(4, 2).apply(inputs, merged)

    @property
    def shared(self) -> "LinearMap":
        """The map of the common half, a skip of the upsampled size: the convolution alone."""
        return Convolution(self.size)


def _merged_taps(taps: list[tf.Tensor]):
    """Three taps of a convolution -> four of the transposed one, along one axis."""
    k0, k1, k2 = taps
    return [k2, k1 + k2, k0 + k1, k0]


LINEAR_MAPS = {
    "conv3": Convolution(3),
    "conv4_stride2": Convolution(4, stride=2),
    "conv4_valid": Convolution(4, padding="VALID"),
    "transposed3": TransposedConvolution(3, 1),
    "transposed4_stride2": TransposedConvolution(4, 2),
    "expansion4": Expansion(4),
    "upsampled_conv3": UpsampledConvolution(),
}
