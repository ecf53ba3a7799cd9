"""The objective against closed forms, Monte Carlo and explicit sums in float64."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.distributions import Gaussian, gaussian, standard_normal
from srvp_tf.models.losses import latent_kl, loss_terms, safe_norm
from srvp_tf.models.srvp import Reconstruction

B, T, N, NY, NZ = 3, 4, 2, 5, 6


def random_gaussian(random, *shape):
    return Gaussian(random.normal(size=shape), np.exp(random.normal(size=shape)))


@pytest.fixture
def case():
    """Float64 frames and a `Reconstruction` of them, all random."""
    random = np.random.default_rng(0)
    frames = random.random((B, T, 8, 8, 2))
    outputs = Reconstruction(
        frames=random.random(frames.shape),
        content=np.zeros((B, 1)),
        q_y1=random_gaussian(random, B, NY),
        q_z=random_gaussian(random, B, T - 1, NZ),
        p_z=random_gaussian(random, B, T - 1, NZ),
        residuals=random.normal(size=(B, T - 1, N, NY)),
    )
    return frames, outputs


def closed_form_kl(q, p):
    return np.log(p.scale / q.scale) + (q.scale**2 + (q.loc - p.loc) ** 2) / (2 * p.scale**2) - 0.5


def log_density(x, law):
    return -0.5 * ((x - law.loc) / law.scale) ** 2 - np.log(law.scale) - 0.5 * np.log(2 * np.pi)


def test_kl_is_the_closed_form_in_each_dimension(case):
    _, outputs = case
    kl = latent_kl(outputs)
    p_y1 = Gaussian(np.zeros((B, NY)), np.ones((B, NY)))
    np.testing.assert_allclose(kl.y_1, closed_form_kl(outputs.q_y1, p_y1), rtol=1e-12)
    np.testing.assert_allclose(kl.z, closed_form_kl(outputs.q_z, outputs.p_z), rtol=1e-12)


def test_kl_is_the_mean_log_ratio_of_samples_of_q(case):
    _, outputs = case
    q, p = outputs.q_z, outputs.p_z
    x = q.sample(np.random.default_rng(1).normal(size=(100_000, *q.loc.shape)))
    ratio = log_density(x, q) - log_density(x, p)
    error = np.abs(latent_kl(outputs).z - ratio.mean(0)) / (ratio.std(0) / np.sqrt(len(x)))
    assert error.max() < 4.5


def test_terms_sum_the_kl_over_dimensions_and_frames(case):
    frames, outputs = case
    kl, terms = latent_kl(outputs), loss_terms(frames, outputs, 1.0)
    np.testing.assert_allclose(terms.kl_y1, np.sum(kl.y_1, axis=1), rtol=1e-12)
    np.testing.assert_allclose(terms.kl_z, np.sum(kl.z, axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize("obs_scale", [1.0, 0.2])
def test_nll_is_the_full_gaussian_log_density_with_its_constant(case, obs_scale):
    frames, outputs = case
    squared = np.sum((frames - outputs.frames) ** 2, axis=(1, 2, 3, 4))
    pixels = frames[0].size
    constant = pixels * (np.log(obs_scale) + 0.5 * np.log(2 * np.pi))
    nll = loss_terms(frames, outputs, obs_scale).nll
    np.testing.assert_allclose(nll, squared / (2 * obs_scale**2) + constant, rtol=1e-12)


def test_l2_res_sums_the_norm_not_its_square_over_every_sub_step(case):
    frames, outputs = case
    expected = np.zeros(B)
    for video, interval, sub_step in np.ndindex(B, T - 1, N):
        expected[video] += np.sqrt(np.sum(outputs.residuals[video, interval, sub_step] ** 2))
    np.testing.assert_allclose(loss_terms(frames, outputs, 1.0).l2_res, expected, rtol=1e-12)


def test_safe_norm_has_the_unit_vector_as_gradient_and_zero_at_zero():
    x = tf.constant([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        norm = safe_norm(x)
    np.testing.assert_allclose(norm, [5, 0, 2])
    np.testing.assert_allclose(tape.gradient(norm, x), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)


def test_total_weighs_the_terms(case):
    frames, outputs = case
    terms = loss_terms(frames, outputs, 1.0)
    expected = terms.nll + 0.7 * terms.kl_y1 + 1.3 * terms.kl_z + 0.4 * terms.l2_res
    np.testing.assert_allclose(terms.total(0.7, 1.3, 0.4), expected, rtol=1e-12)


def test_a_head_is_mean_then_raw_scale():
    law = gaussian(tf.constant([1.0, 2.0, 0.0, -3.0], tf.float64))
    np.testing.assert_array_equal(law.loc, [1, 2])
    np.testing.assert_allclose(law.scale, np.log1p(np.exp([0.0, -3.0])) + 1e-8, rtol=1e-14)


def test_samples_are_reparameterised():
    law = Gaussian(tf.constant([1.0, -2.0]), tf.constant([0.5, 3.0]))
    np.testing.assert_array_equal(law.sample(tf.constant([2.0, -1.0])), [2.0, -5.0])


def test_the_prior_of_the_first_state_is_standard_normal():
    law = standard_normal(tf.constant([[4.0, 5.0]], tf.float64))
    np.testing.assert_array_equal(law, [[[0, 0]], [[1, 1]]])
    assert law.loc.dtype == law.scale.dtype == tf.float64


@pytest.mark.parametrize("raw_q", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("raw_p", [-1e4, -100.0, 100.0, 1e4])
def test_kl_and_its_gradients_stay_finite_at_extreme_scales(raw_q, raw_p):
    params = tf.constant([[[[0.5, raw_q]]], [[[-0.5, raw_p]]]])
    with tf.GradientTape() as tape:
        tape.watch(params)
        q, p = gaussian(params[0]), gaussian(params[1])
        outputs = Reconstruction(None, None, Gaussian(q.loc[0], q.scale[0]), q, p, None)
        kl = latent_kl(outputs)
        total = tf.reduce_sum(kl.y_1) + tf.reduce_sum(kl.z)
    q, p = (Gaussian(*(np.float64(x) for x in law)) for law in (q, p))
    np.testing.assert_allclose(kl.z, closed_form_kl(q, p), rtol=1e-5, atol=1e-5)
    assert np.isfinite(total) and np.isfinite(tape.gradient(total, params)).all()
