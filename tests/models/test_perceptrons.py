"""Perceptrons and the networks made of them against plain NumPy, the LSTM against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.content import Content
from srvp_tf.models.inference import InitialStatePosterior, LatentPosterior
from srvp_tf.models.perceptrons import LSTM, MLP


def plain_mlp(layers, x):
    *hidden, last = [(layer.kernel.numpy(), layer.bias.numpy()) for layer in layers]
    for kernel, bias in hidden:
        x = np.maximum(x @ kernel + bias, 0)
    return x @ last[0] + last[1]


@pytest.mark.parametrize("num_layers", [1, 4])
def test_mlp_has_relu_between_affine_layers_and_none_after_the_last(num_layers):
    mlp = MLP(5, 8, num_layers, seed=0, dtype="float64")
    mlp.build((None, 6))
    assert [layer.kernel.shape[0] for layer in mlp.layers] == [6, *[8] * (num_layers - 1)]
    x = np.random.default_rng(0).normal(size=(20, 6))
    outputs = mlp(tf.constant(x))
    assert np.min(outputs) < 0
    np.testing.assert_allclose(outputs, plain_mlp(mlp.layers, x), rtol=1e-11)


def test_content_is_the_formula_of_the_paper():
    content = Content(6, seed=0, dtype="float64")
    content.build((None, 3, 4))
    h = np.random.default_rng(0).normal(size=(2, 3, 4))
    b, a = content.frame_map, content.video_map
    summed = np.maximum(h @ b.kernel.numpy() + b.bias.numpy(), 0).sum(axis=1)
    expected = np.tanh(summed @ a.kernel.numpy() + a.bias.numpy())
    np.testing.assert_allclose(content(tf.constant(h)), expected, rtol=1e-11)


def test_q_y1_reads_the_features_of_its_frames_in_a_row():
    posterior = InitialStatePosterior(3, 8, 2, seed=0, dtype="float64")
    posterior.build((None, 4, 5))
    h = np.random.default_rng(0).normal(size=(2, 4, 5))
    params = plain_mlp(posterior.head.layers, np.concatenate([h[:, t] for t in range(4)], axis=1))
    normal = posterior(tf.constant(h))
    np.testing.assert_allclose(normal.loc, params[:, :3], rtol=1e-11)
    np.testing.assert_allclose(normal.scale, np.log1p(np.exp(params[:, 3:])) + 1e-8, rtol=1e-11)


def test_the_lstm_with_its_two_biases_is_keras():
    ours = LSTM(6, seed=0, dtype="float64")
    ours.build((None, None, 5))
    theirs = keras.layers.LSTM(6, return_sequences=True, dtype="float64")
    theirs.build((None, None, 5))
    bias = ours.bias.numpy() + ours.recurrent_bias.numpy()
    # Both have the gates in the order i, f, g, o.
    theirs.set_weights([ours.kernel.numpy(), ours.recurrent_kernel.numpy(), bias])
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 7, 5)))
    outputs, gradients = [], []
    for layer, cell, biases in (
        (ours, ours, [ours.bias, ours.recurrent_bias]),
        (theirs, theirs.cell, 2 * [theirs.cell.bias]),
    ):
        weights = [v.value for v in (cell.kernel, cell.recurrent_kernel, *biases)]
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs.append(layer(x))
            loss = tf.reduce_sum(tf.square(outputs[-1]))
        gradients.append(tape.gradient(loss, [x, *weights]))
    np.testing.assert_allclose(*outputs, rtol=1e-10)
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_q_z_reads_the_first_frame_but_starts_at_the_second():
    posterior = LatentPosterior(3, 6, seed=0, dtype="float64")
    posterior.build((None, None, 5))
    h = np.random.default_rng(0).normal(size=(2, 5, 5))
    outputs = posterior.lstm(tf.constant(h)).numpy()[:, 1:]
    head = outputs @ posterior.head.kernel.numpy() + posterior.head.bias.numpy()
    normal = posterior(tf.constant(h))
    np.testing.assert_allclose(normal.loc, head[..., :3], rtol=1e-11)
    np.testing.assert_allclose(normal.scale, np.log1p(np.exp(head[..., 3:])) + 1e-8, rtol=1e-11)
    h[:, 0] += 1.0
    assert np.all(posterior(tf.constant(h)).loc != normal.loc)
