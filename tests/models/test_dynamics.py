"""The latent dynamics against closed forms, and every way to roll them out against the others."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import expm

from srvp_tf.models import dynamics as dynamics_module
from srvp_tf.models.dynamics import ResidualDynamics
from tests.models.small import small_config

NY, NZ, N = 4, 3, 2


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def make_dynamics(**changes):
    config = small_config(ny=NY, nz=NZ, nh_res=9, **changes)
    dynamics = ResidualDynamics(config, seed=0, dtype="float64")
    dynamics.build()
    return dynamics


def linear_dynamics():
    """f(y, z) = A y + B z, in float64: a "perceptron" of a single affine map."""
    dynamics = make_dynamics(nlayers_res=1)
    a, b = 0.3 * random(NY, NY, seed=1), random(NZ, NY, seed=2)
    dynamics.residual.layers[0].kernel.assign(np.concatenate([a, b]))
    return dynamics, a, b


@pytest.mark.parametrize("n", [1, 5])
def test_euler_steps_of_a_linear_f_are_the_closed_form(n):
    dynamics, a, b = linear_dynamics()
    y, z = random(N, NY), random(N, NZ)
    states, residuals = dynamics.step(tf.constant(y), tf.constant(z), n)
    step = np.eye(NY) + a / n
    power, drift = np.eye(NY), np.zeros((NY, NY))
    for k in range(n):  # y_k = y (I + A/n)^k + z B/n sum_{j<k} (I + A/n)^j
        drift = drift + power / n
        power = power @ step
        np.testing.assert_allclose(states[:, k], y @ power + z @ b @ drift, rtol=1e-10)
    before = np.concatenate([y[:, None], states[:, :-1]], axis=1)
    np.testing.assert_allclose(residuals, (before @ a + (z @ b)[:, None]) / n, rtol=1e-10)


def test_many_small_steps_approach_the_flow():
    dynamics, a, b = linear_dynamics()
    y, z = random(N, NY), random(N, NZ)
    flow = expm(a)
    exact = y @ flow + z @ b @ np.linalg.solve(a, flow - np.eye(NY))
    errors = [
        np.abs(dynamics.step(tf.constant(y), tf.constant(z), n)[0][:, -1] - exact).max()
        for n in (16, 32, 64)
    ]
    ratios = np.divide(errors[:-1], errors[1:])
    np.testing.assert_allclose(ratios, 2.0, atol=0.1)  # a method of first order


@pytest.mark.parametrize(("follow", "n"), [("follow", 3), ("imagine", 1), ("imagine", 3)])
def test_a_loop_and_unrolled_steps_are_the_same(monkeypatch, follow, n):
    dynamics = make_dynamics(nlayers_res=3)
    y, inputs = tf.constant(random(N, NY)), tf.constant(random(N, 6, NZ))
    weights = [v.value for v in dynamics.trainable_variables]

    def run(limit):
        monkeypatch.setattr(dynamics_module, "MAX_UNROLLED_STEPS", limit)

        @tf.function
        def values_and_gradients():
            with tf.GradientTape() as tape:
                path = getattr(dynamics, follow)(y, inputs, n)
                path = tf.nest.flatten(path, expand_composites=True)
                loss = tf.add_n([tf.reduce_sum(tf.square(x)) for x in path])
            return *path, *tape.gradient(loss, weights)

        graph = values_and_gradients.get_concrete_function().graph
        loops = [op for op in graph.get_operations() if op.type in ("While", "StatelessWhile")]
        return values_and_gradients(), loops

    unrolled, no_loops = run(6 * n)
    looped, loops = run(6 * n - 1)
    assert loops and not no_loops
    for a, b in zip(unrolled, looped, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_thousand_frames_of_a_contraction_are_the_closed_form():
    dynamics, a, _ = linear_dynamics()
    a = -0.1 * a @ a.T - 0.01 * np.eye(NY)
    prior = dynamics.prior_head.layers[0]
    prior.kernel.assign(tf.zeros_like(prior.kernel))
    dynamics.residual.layers[0].kernel.assign(np.concatenate([a, np.eye(NZ, NY)]))
    y, eps = random(N, NY), random(N, 1000, NZ)
    path = tf.function(dynamics.imagine)(tf.constant(y), tf.constant(eps), 1)
    states = path.states[:, :, 0].numpy()
    loc, raw_scale = np.split(prior.bias.numpy(), 2)
    z = loc + (np.log1p(np.exp(raw_scale)) + 1e-8) * eps
    for t in range(1000):
        y = y + y @ a + z[:, t] @ np.eye(NZ, NY)
        np.testing.assert_allclose(states[:, t], y, rtol=1e-9, atol=1e-12)
