"""The published laws of the initial weights, of every variable of a whole model."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tests.models.small import small_model

GAIN = 1.3


@pytest.fixture(scope="module")
def weights():
    """Path (without the model's name) -> value, for a model wide enough for statistics."""
    model = small_model(
        seed=5, family="vgg", skips=True, nf=8, nhx=32, nh_inf=40, nh_res=48, res_gain=GAIN
    )
    return {v.path.split("/", 1)[1]: v.numpy() for v in model.weights}


def select(weights, *parts, ends=""):
    chosen = {p: w for p, w in weights.items() if p.startswith(parts) and p.endswith(ends)}
    assert chosen
    return chosen


def assert_law(values, law):
    """The values of one tensor follow the law of SciPy's frozen distribution."""
    values = np.ravel(values).astype(np.float64)
    assert stats.kstest(values, law.cdf).pvalue > 1e-4
    if values.size > 500:
        assert abs(values.mean() - law.mean()) < 4.5 * law.std() / np.sqrt(values.size)
        assert abs(values.std() / law.std() - 1) < 4.5 * np.sqrt(0.5 / values.size)


def assert_uniform(values, fan_in):
    bound = fan_in**-0.5
    assert np.abs(values).max() <= bound
    assert_law(values, stats.uniform(-bound, 2 * bound))


def test_convolution_kernels_are_normal_without_truncation(weights):
    kernels = select(weights, "encoder", "decoder", ends="kernel")
    for kernel in kernels.values():
        assert_law(kernel, stats.norm(0, 0.02))
    everything = np.concatenate([kernel.ravel() for kernel in kernels.values()])
    assert 0.9e-2 < np.mean(np.abs(everything) > 0.05) < 1.6e-2  # 1.24e-2 of a normal law


def test_batch_norm_scale_is_normal_around_one_and_the_rest_neutral(weights):
    scales = select(weights, "encoder", "decoder", ends="norm/scale")
    assert_law(np.concatenate(list(scales.values())), stats.norm(1, 0.02))
    for name, value in (("offset", 0), ("mean", 0), ("variance", 1)):
        for array in select(weights, "encoder", "decoder", ends=f"norm/{name}").values():
            np.testing.assert_array_equal(array, value)


def test_f_is_orthogonal_with_its_gain_and_has_no_bias(weights):
    for kernel in select(weights, "dynamics/residual", ends="kernel").values():
        rows, columns = kernel.shape
        gram = kernel.T @ kernel if rows >= columns else kernel @ kernel.T
        np.testing.assert_allclose(gram, GAIN**2 * np.eye(min(rows, columns)), atol=2e-5)
    for bias in select(weights, "dynamics/residual", ends="bias").values():
        np.testing.assert_array_equal(bias, 0)


def test_every_other_affine_map_is_uniform_by_its_fan_in(weights):
    kernels = select(weights, "content", "q_y1", "q_z/head", "dynamics/prior", ends="kernel")
    assert len(kernels) == 2 + 3 + 1 + 4
    for path, kernel in kernels.items():
        assert_uniform(kernel, kernel.shape[0])
        assert_uniform(weights[path.removesuffix("kernel") + "bias"], kernel.shape[0])


def test_all_lstm_weights_are_uniform_by_its_units_without_forget_bias(weights):
    lstm = select(weights, "q_z/lstm")
    assert len(lstm) == 4
    for value in lstm.values():
        assert_uniform(value, 40)
        for gate in np.split(value, 4, axis=-1):
            assert_uniform(gate, 40)


def test_every_weight_has_a_law(weights):
    """What the tests above look at is all there is."""
    covered = [
        *select(weights, "encoder", "decoder", ends="kernel"),
        *select(weights, "encoder", "decoder", ends=("scale", "offset", "mean", "variance")),
        *select(weights, "dynamics", "content", "q_y1", "q_z"),
    ]
    assert sorted(covered) == sorted(weights)


def test_no_two_layers_share_draws(weights):
    random = {p: np.ravel(w) for p, w in weights.items() if np.ptp(w) > 0}
    assert len(random) > 50
    for (p, a), (q, b) in itertools.combinations(random.items(), 2):
        n = min(a.size, b.size)
        if n > 8:
            correlation = np.corrcoef(a[:n], b[:n])[0, 1]
            assert abs(correlation) < 6 / np.sqrt(n), (p, q)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    a, b, c = (small_model(seed=seed) for seed in (3, 3, 4))
    for v, w, x in zip(a.weights, b.weights, c.weights, strict=True):
        np.testing.assert_array_equal(v, w)
        if np.ptp(v.numpy()) > 0:
            assert not np.any(np.equal(v, x))


def test_weights_do_not_depend_on_the_precision_of_the_convolutions():
    a, b = small_model("float32", seed=3), small_model("mixed_bfloat16", seed=3)
    for v, w in zip(a.weights, b.weights, strict=True):
        assert v.value.dtype == w.value.dtype == tf.float32
        np.testing.assert_array_equal(v, w)
