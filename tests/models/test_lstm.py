"""The LSTM against Keras' own, and its two biases."""

import keras
import numpy as np
import tensorflow as tf

from srvp_tf.models.inference import LatentPosterior
from srvp_tf.models.perceptrons import LSTM

UNITS, WIDTH = 6, 5


def both_layers():
    """Our LSTM, and Keras' with the same weights; both have the gates in the order i, f, g, o."""
    ours = LSTM(UNITS, seed=0, dtype="float64")
    ours.build((None, None, WIDTH))
    theirs = keras.layers.LSTM(UNITS, return_sequences=True, dtype="float64")
    theirs.build((None, None, WIDTH))
    bias = ours.bias.numpy() + ours.recurrent_bias.numpy()
    theirs.set_weights([ours.kernel.numpy(), ours.recurrent_kernel.numpy(), bias])
    return ours, theirs


def test_outputs_and_gradients_are_those_of_keras():
    ours, theirs = both_layers()
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 7, WIDTH)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        values = ours(x), theirs(x)
        losses = [tf.reduce_sum(tf.square(value)) for value in values]
    np.testing.assert_allclose(*values, rtol=1e-10)
    ours_gradients = tape.gradient(losses[0], [x, ours.kernel.value, ours.recurrent_kernel.value])
    cell = theirs.cell
    theirs_gradients = tape.gradient(losses[1], [x, cell.kernel.value, cell.recurrent_kernel.value])
    for a, b in zip(ours_gradients, theirs_gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_the_two_biases_are_separate_variables_with_equal_gradients():
    ours, _ = both_layers()
    assert len(ours.trainable_variables) == 4
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4, WIDTH)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(ours(x)))
    a, b = tape.gradient(loss, [ours.bias.value, ours.recurrent_bias.value])
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(ours.bias, ours.recurrent_bias)


def test_q_z_reads_the_first_frame_but_starts_at_the_second():
    posterior = LatentPosterior(3, UNITS, seed=0, dtype="float64")
    posterior.build((None, None, WIDTH))
    h = np.random.default_rng(0).normal(size=(2, 5, WIDTH))
    outputs = posterior.lstm(tf.constant(h)).numpy()[:, 1:]
    head = outputs @ posterior.head.kernel.numpy() + posterior.head.bias.numpy()
    normal = posterior(tf.constant(h))
    np.testing.assert_allclose(normal.loc, head[..., :3], rtol=1e-11)
    np.testing.assert_allclose(normal.scale, np.log1p(np.exp(head[..., 3:])) + 1e-8, rtol=1e-11)
    h[:, 0] += 1.0
    assert np.all(posterior(tf.constant(h)).loc != normal.loc)
