"""What a block adds to its convolution; `test_plain` compares the whole with Keras' layers."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.batch_norm import BatchNorm
from srvp_tf.models.networks.conv_block import leaky_relu

CHANNELS = 5
X = np.random.default_rng(0).normal(2.0, 3.0, (6, 3, 4, CHANNELS))


def random_layer(dtype="float32"):
    """A layer none of whose variables has its initial value."""
    layer = BatchNorm(CHANNELS, seed=0, dtype=dtype)
    layer.build()
    random = np.random.default_rng(1)
    for variable in (layer.scale, layer.offset, layer.mean, layer.variance):
        variable.assign(random.uniform(0.5, 2.0, CHANNELS))
    return layer


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 2e-6)])
def test_the_biased_variance_normalises_and_the_unbiased_one_is_kept(dtype, tolerance):
    layer = random_layer(dtype)
    scale, offset, mean, variance = (np.float64(v) for v in layer.weights)
    normalised = (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 1e-5)
    outputs = layer(tf.constant(X, dtype))
    np.testing.assert_allclose(outputs, normalised * scale + offset, atol=5 * tolerance)
    expected_mean = 0.9 * mean + 0.1 * X.mean((0, 1, 2))
    expected_variance = 0.9 * variance + 0.1 * X.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(layer.mean, expected_mean, rtol=tolerance)
    np.testing.assert_allclose(layer.variance, expected_variance, rtol=tolerance)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_inputs_keep_their_dtype_and_statistics_stay_float32(dtype):
    layer, exact = random_layer(f"mixed_{dtype}"), random_layer()
    x = tf.cast(X, dtype)
    outputs = layer(x)
    expected = exact(tf.cast(x, tf.float32))
    assert outputs.dtype == dtype
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, rtol=1e-2, atol=1e-2)
    assert layer.mean.value.dtype == tf.float32
    np.testing.assert_allclose(layer.variance, exact.variance, rtol=1e-5)


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
