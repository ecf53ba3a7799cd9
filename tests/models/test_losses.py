"""The objective and its distributions against closed forms and explicit sums in float64."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.models import losses
from srvp_tf.models.distributions import draw, gaussian, softplus, standard_normal
from srvp_tf.models.losses import latent_kl, safe_norm
from srvp_tf.models.noise import training_noise
from srvp_tf.models.outputs import Reconstruction
from srvp_tf.models.srvp import SRVP
from tests.models.small import parameters, random_videos, small_config, small_model

B, T, N, NY, NZ = 3, 4, 2, 5, 6


def random_gaussian(random, *shape):
    return tfd.Normal(random.normal(size=shape), np.exp(random.normal(size=shape)))


def make_case(obs_scale=1.0):
    """Float64 frames and a `Reconstruction` of them, all random."""
    random = np.random.default_rng(0)
    frames = random.random((B, T, 8, 8, 2))
    means = tf.constant(random.random(frames.shape))
    outputs = Reconstruction(
        frames=means,
        content=np.zeros((B, 1)),
        p_x=tfd.Independent(tfd.Normal(means, obs_scale), 4),
        q_y1=random_gaussian(random, B, NY),
        p_y1=standard_normal(tf.zeros([B, NY], tf.float64)),
        q_z=random_gaussian(random, B, T - 1, NZ),
        p_z=random_gaussian(random, B, T - 1, NZ),
        residuals=random.normal(size=(B, T - 1, N, NY)),
    )
    return frames, outputs


@pytest.fixture
def case():
    return make_case()


def closed_form_kl(q, p):
    (m, s), (n, r) = parameters(q), parameters(p)
    return np.log(r / s) + (s**2 + (m - n) ** 2) / (2 * r**2) - 0.5


@pytest.mark.parametrize("term", [losses.nll, losses.cross_entropy])
def test_the_likelihood_of_a_few_decoded_frames_stands_for_all(term):
    model = small_model(precision="float64")
    videos = random_videos(model.config, 2, T)
    frames, noise = model.to_unit_range(videos), training_noise(model.config, 0, 1, tf.range(2), T)
    whole = term(frames, model(videos, noise))
    every_pair = []
    for pair in itertools.combinations(range(T), 2):
        some = model(videos, noise._replace(decoded_frames=tf.constant([pair, pair])))
        assert some.frames.shape[1] == 2
        every_pair.append(term(frames, some))
    np.testing.assert_allclose(np.mean(every_pair, axis=0), whole, rtol=1e-12)


def test_kl_is_the_closed_form_summed_over_dimensions_and_frames(case):
    frames, outputs = case
    y1 = closed_form_kl(outputs.q_y1, outputs.p_y1)
    z = closed_form_kl(outputs.q_z, outputs.p_z)
    np.testing.assert_allclose(latent_kl(outputs)["y1"], y1, rtol=1e-12)
    np.testing.assert_allclose(latent_kl(outputs)["z"], z, rtol=1e-12)
    np.testing.assert_allclose(losses.kl_y1(frames, outputs), y1.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(losses.kl_z(frames, outputs), z.sum(axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize("kind", [{}, {"model": "svg"}])
def test_the_kl_of_the_prior_alone_moves_posteriors_by_later_states_alone(kind):
    model = small_model(precision="float64", **kind)
    frames = model.to_unit_range(random_videos(model.config, B, T))
    with tf.GradientTape(persistent=True) as tape:
        outputs = model(frames, training=True)
        q, p = outputs.q_z, outputs.p_z
        whole, held = losses.kl_z(frames, outputs), losses.kl_z_prior(frames, outputs)
    np.testing.assert_array_equal(held, whole)
    of_q = tape.gradient(held, [q.loc, q.scale], unconnected_gradients="zero")
    assert not np.any([gradient[:, -1] for gradient in of_q])
    for found, expected in zip(
        tape.gradient(held, [p.loc, p.scale]), tape.gradient(whole, [p.loc, p.scale]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("obs_scale", [1.0, 0.2])
def test_nll_is_the_full_gaussian_log_density_with_its_constant(obs_scale):
    frames, outputs = make_case(obs_scale)
    squared = np.sum((frames - outputs.frames) ** 2, axis=(1, 2, 3, 4))
    pixels = frames[0].size
    constant = pixels * (np.log(obs_scale) + 0.5 * np.log(2 * np.pi))
    nll = losses.nll(frames, outputs)
    np.testing.assert_allclose(nll, squared / (2 * obs_scale**2) + constant, rtol=1e-12)


def test_cross_entropy_is_that_of_bernoulli_pixels():
    model = small_model(precision="float64")
    videos = random_videos(model.config, 2, T)
    outputs, frames = model(videos), model.to_unit_range(videos)
    bits = tf.round(frames)
    pixels = tfd.Independent(tfd.Bernoulli(probs=outputs.frames, dtype="float64"), 4)
    np.testing.assert_allclose(
        losses.cross_entropy(bits, outputs), -pixels.log_prob(bits), rtol=1e-10
    )
    # Linear in x, so that a grey frame has the mean of those of which it is the mean.
    of_both = losses.cross_entropy(bits, outputs) + losses.cross_entropy(1 - bits, outputs)
    grey = losses.cross_entropy(tf.fill(frames.shape, tf.constant(0.5, "float64")), outputs)
    np.testing.assert_allclose(grey, of_both / 2, rtol=1e-10)


def test_l2_res_sums_the_norm_not_its_square_over_every_sub_step(case):
    frames, outputs = case
    expected = np.zeros(B)
    for video, interval, sub_step in np.ndindex(B, T - 1, N):
        expected[video] += np.sqrt(np.sum(outputs.residuals[video, interval, sub_step] ** 2))
    np.testing.assert_allclose(losses.l2_res(frames, outputs), expected, rtol=1e-12)


def test_safe_norm_has_the_unit_vector_as_gradient_and_zero_at_zero():
    x = tf.constant([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        norm = safe_norm(x)
    np.testing.assert_allclose(norm, [5, 0, 2])
    np.testing.assert_allclose(tape.gradient(norm, x), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)


def test_the_model_gives_the_terms_of_videos():
    model = small_model("float64")
    videos = random_videos(model.config, 2, 4)
    terms = model.elbo_terms(videos, seed=3)
    outputs = model(videos, seed=3)
    assert list(terms) == ["nll", "kl_y1", "kl_z", "l2_res"]
    density = tfd.MultivariateNormalDiag(tf.reshape(outputs.frames, [2, -1]), None, 1.0)
    expected = -density.log_prob(np.reshape(videos / 255, [2, -1]))
    np.testing.assert_allclose(terms["nll"], expected, rtol=1e-10)


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


def test_a_head_is_mean_then_raw_scale():
    normal = gaussian(tf.constant([1.0, 2.0, 0.0, -3.0], tf.float64))
    np.testing.assert_array_equal(normal.loc, [1, 2])
    np.testing.assert_allclose(normal.scale, np.log1p(np.exp([0.0, -3.0])) + 1e-8, rtol=1e-14)


def test_samples_are_reparameterised():
    normal = tfd.Normal([1.0, -2.0], [0.5, 3.0])
    np.testing.assert_array_equal(draw(normal, tf.constant([2.0, -1.0])), [2.0, -5.0])
    eps = tf.random.stateless_normal([100_000], [1, 2])
    laplace = draw(tfd.Laplace(1.0, 0.5), eps)  # by its quantiles
    np.testing.assert_allclose([np.mean(laplace), np.std(laplace)], [1.0, 0.5**0.5], atol=0.01)


@pytest.mark.parametrize("raw_q", [-1e4, 100.0])
@pytest.mark.parametrize("raw_p", [-100.0, 1e4])
def test_kl_and_its_gradients_stay_finite_at_extreme_scales(raw_q, raw_p):
    params = tf.constant([[[[0.5, raw_q]]], [[[-0.5, raw_p]]]])
    with tf.GradientTape() as tape:
        tape.watch(params)
        q, p = gaussian(params[0]), gaussian(params[1])
        outputs = Reconstruction(None, None, None, q[0], standard_normal(q.loc[0]), q, p, None)
        kl = latent_kl(outputs)
        total = tf.reduce_sum(kl["y1"]) + tf.reduce_sum(kl["z"])
    q, p = (tfd.Normal(*(np.float64(x) for x in (normal.loc, normal.scale))) for normal in (q, p))
    np.testing.assert_allclose(kl["z"], closed_form_kl(q, p), rtol=1e-5, atol=1e-5)
    assert np.isfinite(total) and np.isfinite(tape.gradient(total, params)).all()


class LaplaceSRVP(SRVP):
    """Another observation model: a subclass, and nothing else."""

    def observation(self, frames):
        return tfd.Independent(tfd.Laplace(frames, 0.3), 4)


def test_another_observation_model_is_a_subclass():
    model = LaplaceSRVP(small_config(), "float64")
    videos = random_videos(model.config, 2, 4)
    nll = model.elbo_terms(videos)["nll"]
    error = np.abs(videos / 255 - model(videos).frames).sum(axis=(1, 2, 3, 4))
    expected = error / 0.3 + videos[0].size * np.log(2 * 0.3)
    np.testing.assert_allclose(nll, expected, rtol=1e-10)
