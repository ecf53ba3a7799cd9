"""A block against plain Keras layers: linear map, normalisation, activation, in this order."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.conv_block import ConvBlock, leaky_relu

FRAMES = np.random.default_rng(0).normal(size=(6, 8, 8, 3))
KERAS_MAPS = {
    "conv3": lambda: keras.layers.Conv2D(5, 3, padding="same", use_bias=False),
    "conv4_stride2": lambda: keras.layers.Conv2D(5, 4, 2, padding="same", use_bias=False),
    "conv4_valid": lambda: keras.layers.Conv2D(5, 4, use_bias=False),
    "transposed3": lambda: keras.layers.Conv2DTranspose(5, 3, padding="same", use_bias=False),
    "transposed4_stride2": lambda: keras.layers.Conv2DTranspose(
        5, 4, 2, padding="same", use_bias=False
    ),
    "upsampled_conv3": lambda: keras.Sequential(
        [keras.layers.UpSampling2D(2), keras.layers.Conv2D(5, 3, padding="same", use_bias=False)]
    ),
}
ACTIVATIONS = {
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def both(name, activation="leaky_relu", normalize=True):
    """Our block with random statistics, and Keras' layers with the same weights."""
    block = ConvBlock(name, 3, 5, normalize=normalize, activation=activation, seed=0)
    block.build()
    linear = KERAS_MAPS[name]()
    linear.build(FRAMES.shape)
    block.kernel.assign(0.1 * np.random.default_rng(2).normal(size=block.kernel.shape))
    linear.set_weights([block.kernel.numpy()])
    if not normalize:
        return block, linear, lambda x, training: x
    norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    norm.build((None, None, None, 5))
    statistics = np.random.default_rng(1).uniform(0.5, 2.0, (4, 5))
    norm.set_weights(list(statistics))  # gamma, beta, mean, variance
    ours = (block.norm.scale, block.norm.offset, block.norm.mean, block.norm.variance)
    for variable, value in zip(ours, statistics, strict=True):
        variable.assign(value)
    return block, linear, norm


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", KERAS_MAPS)
def test_a_block_is_map_then_norm_then_activation(name, training):
    block, linear, norm = both(name)
    x = tf.constant(FRAMES, tf.float32)
    expected = ACTIVATIONS["leaky_relu"](norm(linear(x), training=training).numpy())
    outputs = block(x, training=training)
    np.testing.assert_allclose(outputs, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_have_the_published_form(activation, normalize):
    block, linear, norm = both("conv3", activation, normalize)
    x = tf.constant(FRAMES, tf.float32)
    before = norm(linear(x), training=False).numpy()
    assert before.min() < 0 < before.max()
    np.testing.assert_allclose(block(x), ACTIVATIONS[activation](before), atol=2e-5)


@pytest.mark.parametrize("training", [False, True])
def test_a_shared_part_is_concatenated_before_norm_and_activation(training):
    options = {"seed": 0, "dtype": "float64"}
    cut = ConvBlock("conv3", 3, 5, shared_channels=4, **options)
    joined = ConvBlock("conv3", 7, 5, **options)
    cut.build(), joined.build()
    joined.set_weights(cut.get_weights())
    shared = np.random.default_rng(3).normal(size=(2, 8, 8, 4))  # 2 videos of 3 frames
    whole = np.concatenate([FRAMES, np.repeat(shared, 3, axis=0)], axis=-1)
    outputs = cut(tf.constant(FRAMES), tf.constant(shared), training=training)
    expected = joined(tf.constant(whole), training=training)
    np.testing.assert_allclose(outputs, expected, atol=1e-10)
    for a, b in zip(cut.get_weights(), joined.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_inference_leaves_the_running_statistics_alone():
    block, *_ = both("conv3")
    before = [w.copy() for w in block.get_weights()]
    block(tf.constant(FRAMES, tf.float32), training=False)
    for a, b in zip(before, block.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_the_gradient_of_leaky_relu_is_tensorflows_to_the_bit(dtype):
    x = tf.cast(np.random.default_rng(4).normal(size=1000), dtype)
    tiny = np.finfo("float32").tiny  # a fifth of it is no normal number, or 0
    x = tf.concat([x, tf.cast([0.0, -0.0, tiny, -tiny], dtype)], 0)
    results = []
    for function in (leaky_relu, lambda x: tf.nn.leaky_relu(x, 0.2)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = function(x)
        results.append((outputs, tape.gradient(outputs, x, 3.0 * tf.ones_like(x))))
    for ours, theirs in zip(*results, strict=True):
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
