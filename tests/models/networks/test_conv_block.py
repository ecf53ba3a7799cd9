"""The activation of a block; all else of it is compared with Keras' layers in `test_plain`."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.conv_block import leaky_relu


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
