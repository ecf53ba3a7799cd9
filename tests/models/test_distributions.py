"""The scale of a Gaussian head: softplus and its gradient, in a form of our own."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.distributions import softplus


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softplus_and_its_gradient_are_the_logarithms(dtype):
    x = np.concatenate([np.linspace(-40, 40, 801), [-1e4, -200, 0.0, -0.0, 200, 1e4]])
    given = tf.constant(x, dtype)
    with tf.GradientTape() as tape:
        tape.watch(given)
        values = softplus(given)
    tolerance = {"rtol": 20 * np.finfo(dtype).eps, "atol": np.finfo(dtype).tiny}
    x = given.numpy().astype(np.float64)
    np.testing.assert_allclose(values, np.logaddexp(0.0, x), **tolerance)
    slope = np.exp(-np.logaddexp(0.0, -x))
    # Below, the slope is a difference of numbers near 1.
    np.testing.assert_allclose(
        tape.gradient(values, given), slope, rtol=1e-6, atol=np.finfo(dtype).eps
    )
