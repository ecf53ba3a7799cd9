"""LPIPS with random weights against an implementation in PyTorch, float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.metrics.lpips import LPIPS, assign_weights
from tests.metrics import torch_networks
from tests.metrics.weight_files import lpips_tree, weights


@pytest.fixture(scope="module")
def model():
    model = LPIPS()
    assign_weights(model, weights("lpips"), "test")
    return model


def frames(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 64), (31, 33), (67, 128)])
def test_equals_pytorch(model, size):
    a, b = frames(3, *size, 3), frames(3, *size, 3, seed=1)
    np.testing.assert_allclose(model(a, b), torch_networks.lpips(lpips_tree(), a, b), rtol=2e-5)


def test_grey_is_repeated_to_three_channels(model):
    a, b = frames(2, 32, 32, 1), frames(2, 32, 32, 1, seed=1)
    expected = torch_networks.lpips(lpips_tree(), a.repeat(3, -1), b.repeat(3, -1))
    np.testing.assert_allclose(model(a, b), expected, rtol=2e-5)


def test_one_truth_against_many_samples_in_a_graph(model):
    target, samples = frames(2, 1, 3, 32, 32, 3), frames(2, 4, 3, 32, 32, 3, seed=1)
    result = tf.function(model.__call__)(tf.constant(target), tf.constant(samples))
    assert result.shape == (2, 4, 3)
    repeated = np.broadcast_to(target, samples.shape).reshape(-1, 32, 32, 3)
    expected = torch_networks.lpips(lpips_tree(), repeated, samples.reshape(-1, 32, 32, 3))
    np.testing.assert_allclose(result, expected.reshape(2, 4, 3), rtol=2e-5)


def test_no_product_of_a_kind_that_corrupts_memory(model):
    """tensorflow/tensorflow#117700: tensors of rank 4 times a matrix."""
    target, samples = (tf.TensorSpec((2, n, 3, 32, 32, 3)) for n in (1, 4))
    graph = tf.function(model.score).get_concrete_function(target, samples).graph
    assert not [op for op in graph.get_operations() if op.type.startswith("BatchMatMul")]


def test_score_takes_unit_range_and_clamps_predictions(model):
    a, b = frames(2, 32, 32, 1), 1.3 * frames(2, 32, 32, 1, seed=1)
    expected = model(a, np.clip(b, -1, 1))
    np.testing.assert_allclose(model.score((a + 1) / 2, (b + 1) / 2), expected, rtol=1e-4)


def test_equal_frames_are_at_distance_zero_even_where_nothing_fires(model):
    a = frames(2, 32, 32, 3)
    assert not np.any(model(a, a))
    black = np.zeros_like(a)
    assert np.isfinite(model(black, a)).all()


def test_keras_saves_and_loads_it(model, tmp_path):
    model.save(tmp_path / "lpips.keras")
    a, b = frames(2, 32, 32, 3), frames(2, 32, 32, 3, seed=1)
    loaded = keras.models.load_model(tmp_path / "lpips.keras")
    np.testing.assert_array_equal(loaded(a, b), model(a, b))


def test_errors_name_the_frames(model):
    with pytest.raises(ValueError, match="at least 31 x 31 pixels, got 30 x 64"):
        model(frames(1, 30, 64, 3), frames(1, 30, 64, 3))
    with pytest.raises(ValueError, match=r"\[H, W, 1 or 3\]"):
        model(frames(1, 64, 64, 2), frames(1, 64, 64, 2))
