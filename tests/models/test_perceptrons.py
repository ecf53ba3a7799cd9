"""Affine maps and perceptrons against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.content import Content
from srvp_tf.models.inference import InitialStatePosterior
from srvp_tf.models.perceptrons import MLP, Affine


@pytest.mark.parametrize("shape", [(7,), (2, 5, 3, 7)])
def test_affine_is_kernel_and_bias_over_the_last_axis(shape):
    layer = Affine(4, seed=0, dtype="float64")
    layer.build((None, 7))
    x = np.random.default_rng(0).normal(size=shape)
    expected = x @ layer.kernel.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer.call(tf.constant(x)), expected, rtol=1e-12)


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
