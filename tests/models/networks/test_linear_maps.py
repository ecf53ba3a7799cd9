"""Every linear map against the operations that define it, and against itself cut in halves."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.conv_block import ConvBlock
from srvp_tf.models.networks.linear_maps import LINEAR_MAPS


def random(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def values_and_gradients(function, *arguments):
    """The value, and the gradients of a random linear function of it."""
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
        loss = tf.reduce_sum(value * random(*value.shape, seed=9))
    return [value, *tape.gradient(loss, arguments)]


def assert_same(a, b):
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, atol=1e-11)


def direct(name, inputs, kernel):
    """The map as it is defined, with TensorFlow's plain operations."""
    batch, height, width = inputs.shape[0], *(inputs.shape[1:3] if inputs.shape.rank == 4 else ())
    if name == "conv3":
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")
    if name == "conv4_stride2":  # one pixel of padding on each side
        padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        return tf.nn.conv2d(padded, kernel, 2, "VALID")
    if name == "conv4_valid":
        return tf.nn.conv2d(inputs, kernel, 1, "VALID")
    channels = kernel.shape[2]
    if name == "transposed3":  # the full transposed convolution, cropped by its padding of 1
        shape = [batch, height + 2, width + 2, channels]
        return tf.nn.conv2d_transpose(inputs, kernel, shape, 1, "VALID")[:, 1:-1, 1:-1]
    if name == "transposed4_stride2":
        shape = [batch, 2 * height + 2, 2 * width + 2, channels]
        return tf.nn.conv2d_transpose(inputs, kernel, shape, 2, "VALID")[:, 1:-1, 1:-1]
    raise KeyError(name)


@pytest.mark.parametrize(
    "name", ["conv3", "conv4_stride2", "conv4_valid", "transposed3", "transposed4_stride2"]
)
@pytest.mark.parametrize("filters", [1, 7])
def test_a_map_is_its_definition(name, filters):
    linear = LINEAR_MAPS[name]
    shape = [linear.size, linear.size, 5, 5]
    shape[linear.input_axis], shape[linear.output_axis] = 3, filters
    inputs, kernel = random(2, 6, 8, 3), random(*shape, seed=1)
    assert_same(
        values_and_gradients(linear, inputs, kernel),
        values_and_gradients(lambda x, k: direct(name, x, k), inputs, kernel),
    )


def test_expansion_is_a_valid_transposed_convolution():
    def transposed(inputs, kernel):
        pixels = inputs[:, None, None]
        return tf.nn.conv2d_transpose(pixels, kernel, [6, 4, 4, 7], 1, "VALID")

    arguments = random(6, 5), random(4, 4, 7, 5, seed=1)
    assert_same(
        values_and_gradients(LINEAR_MAPS["expansion4"], *arguments),
        values_and_gradients(transposed, *arguments),
    )


@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_upsampled_convolution_is_nearest_upsampling_then_convolution(size):
    def two_steps(inputs, kernel):
        # tf.image.resize computes in float32 alone: the pixels are repeated instead.
        return tf.nn.conv2d(tf.repeat(tf.repeat(inputs, 2, 1), 2, 2), kernel, 1, "SAME")

    arguments = random(2, *size, 3), random(3, 3, 3, 5, seed=1)
    assert_same(
        values_and_gradients(LINEAR_MAPS["upsampled_conv3"], *arguments),
        values_and_gradients(two_steps, *arguments),
    )


@pytest.mark.parametrize("shared_first", [False, True])
@pytest.mark.parametrize("name", LINEAR_MAPS)
def test_halves_sum_to_the_map_of_the_concatenation(name, shared_first):
    """3 videos of 2 frames each; odd numbers of channels."""
    own_channels, shared_channels, filters = 3, 5, 7
    block = ConvBlock(
        name, own_channels, filters, shared_channels, shared_first, normalize=False, dtype="float64"
    )
    block.build()
    linear, upsamples = block.linear, name == "upsampled_conv3"
    size = () if name == "expansion4" else (4, 4)
    shared_size = (8, 8) if upsamples else size
    inputs = random(3 * 2, *size, own_channels)
    shared = random(3, *shared_size, shared_channels, seed=1)

    def halves(inputs, shared, kernel):
        return block._apply(inputs, shared, *block._prepared(kernel))

    def whole(inputs, shared, kernel):
        if upsamples:
            inputs = tf.repeat(tf.repeat(inputs, 2, 1), 2, 2)
        parts = [inputs, tf.repeat(shared, 2, axis=0)]
        joined = tf.concat(parts[::-1] if shared_first else parts, axis=-1)
        return (LINEAR_MAPS["conv3"] if upsamples else linear)(joined, kernel)

    kernel = random(*block.kernel.shape, seed=2)
    assert_same(
        values_and_gradients(halves, inputs, shared, kernel),
        values_and_gradients(whole, inputs, shared, kernel),
    )
