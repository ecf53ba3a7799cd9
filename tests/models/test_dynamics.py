"""The latent dynamics, and its variants in the paper's ablation, computed in other ways."""

import numpy as np
import pytest
import tensorflow as tf
import torch

from srvp_tf.config import TrainConfig
from srvp_tf.config.registries import DYNAMICS
from srvp_tf.errors import UserError
from srvp_tf.models import dynamics as dynamics_module
from srvp_tf.models.distributions import draw
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.training.step import TrainingStep
from tests.models.small import forecast_eagerly, random_videos, small_config, small_model

NY, NZ, N = 6, 3, 4
ONE = {"euler_steps": 1}


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def dynamics(update, nz=NZ, nlayers_res=3):
    config = small_config(ny=NY, nz=nz or NZ, nh_res=9, nlayers_res=nlayers_res, stochastic=nz > 0)
    layer = DYNAMICS[update](config, seed=0, dtype="float64")
    layer.build()
    return layer


@pytest.mark.parametrize("n", [1, 5])
def test_euler_steps_of_a_linear_f_are_the_closed_form(n):
    layer = dynamics("residual", nlayers_res=1)  # f(y, z) = A y + B z
    a, b = 0.3 * random(NY, NY, seed=1), random(NZ, NY, seed=2)
    layer.residual.layers[0].kernel.assign(np.concatenate([a, b]))
    y, z = random(N, NY), random(N, NZ)
    states, residuals = layer.step(tf.constant(y), tf.constant(z), n)
    step = np.eye(NY) + a / n
    power, drift = np.eye(NY), np.zeros((NY, NY))
    for k in range(n):  # y_k = y (I + A/n)^k + z B/n sum_{j<k} (I + A/n)^j
        drift = drift + power / n
        power = power @ step
        np.testing.assert_allclose(states[:, k], y @ power + z @ b @ drift, rtol=1e-10)
    before = np.concatenate([y[:, None], states[:, :-1]], axis=1)
    np.testing.assert_allclose(residuals, (before @ a + (z @ b)[:, None]) / n, rtol=1e-10)


@pytest.mark.parametrize("inputs", [NZ, 0])
def test_the_gru_is_pytorchs(inputs):
    layer = dynamics("gru", inputs)
    cell = layer.cell

    def theirs_order(x):  # Keras: update, reset, candidate; PyTorch: reset, update, candidate
        update, reset, candidate = np.split(x.numpy(), 3, axis=-1)
        return np.concatenate([reset, update, candidate], axis=-1)

    theirs = torch.nn.GRUCell(inputs, NY, dtype=torch.float64)
    kernel, recurrent_kernel, biases = map(
        theirs_order, (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    with torch.no_grad():
        for parameter, value in zip(
            theirs.parameters(), (kernel[:inputs], recurrent_kernel, *biases), strict=True
        ):
            parameter.copy_(torch.from_numpy(value.T))
    z, y = random(N, inputs), random(N, NY, seed=1)
    expected = theirs(torch.from_numpy(z), torch.from_numpy(y)).detach().numpy()
    next_state = layer.next_state(tf.constant(y), tf.constant(z))
    np.testing.assert_allclose(next_state, expected, rtol=1e-12)


def test_its_weights_are_uniform_within_the_published_bound():
    cell = dynamics("gru").cell
    bound = NY**-0.5
    values = np.concatenate([weight.numpy().ravel() for weight in cell.weights])
    assert np.abs(values).max() <= bound
    assert abs(values.mean()) < 0.1 * bound
    assert abs(values.std() / (bound / 3**0.5) - 1) < 0.1


def test_mlp_replaces_the_state_by_f():
    layer = dynamics("mlp")
    y, z = random(N, NY), random(N, NZ, seed=1)
    expected = np.concatenate([y, z], axis=1)
    for i, affine in enumerate(layer.transition.layers):
        expected = np.maximum(expected, 0) if i else expected
        expected = expected @ affine.kernel.numpy() + affine.bias.numpy()
    states, _ = layer.step(tf.constant(y), tf.constant(z))
    np.testing.assert_allclose(states[:, 0], expected, rtol=1e-12)
    for affine in layer.transition.layers:  # the law of the other affine layers, not f's
        assert np.abs(affine.kernel.numpy()).max() <= affine.kernel.shape[0] ** -0.5


@pytest.mark.parametrize(("follow", "n"), [("follow", 3), ("imagine", 1), ("imagine", 3)])
def test_a_loop_and_unrolled_steps_are_the_same(monkeypatch, follow, n):
    layer = dynamics("residual")
    y, inputs = tf.constant(random(N, NY)), tf.constant(random(N, 6, NZ))
    weights = [v.value for v in layer.trainable_variables]

    def run(limit):
        monkeypatch.setattr(dynamics_module, "MAX_UNROLLED_STEPS", limit)

        @tf.function
        def values_and_gradients():
            with tf.GradientTape() as tape:
                path = getattr(layer, follow)(y, inputs, n)
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


@pytest.mark.parametrize(
    ("update", "nz", "num_frames"),  # few frames are unrolled, many are a loop
    [("residual", NZ, 5), ("residual", 0, 70), ("mlp", NZ, 70), ("mlp", 0, 5), ("gru", NZ, 5)],
)
def test_paths_are_steps_in_a_row(update, nz, num_frames):
    layer = dynamics(update, nz)
    y, eps = tf.constant(random(N, NY)), tf.constant(random(N, num_frames, nz, seed=1))
    path = tf.function(layer.imagine)(y, eps, 1)
    assert path.residuals.shape == (N, num_frames, int(update == "residual"), NY)
    for t in range(num_frames):
        p_z = layer.prior(y)
        z = draw(p_z, eps[:, t])
        np.testing.assert_allclose(path.p_z.loc[:, t], p_z.loc, rtol=1e-7)
        np.testing.assert_allclose(path.z[:, t], z, rtol=1e-7)
        y = layer.step(y, z)[0][:, -1]
        np.testing.assert_allclose(path.states[:, t, 0], y, rtol=1e-7, atol=1e-9)
    followed = layer.follow(tf.constant(random(N, NY)), path.z, 1)
    np.testing.assert_allclose(followed.states, path.states, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("update", "stochastic"),
    [
        ("mlp", True),
        ("residual", False),
        *(pytest.param("gru", stochastic, marks=pytest.mark.long) for stochastic in (True, False)),
    ],
)
def test_a_variant_goes_the_whole_way(update, stochastic):
    model = small_model(skips=True, dynamics=update, stochastic=stochastic, **ONE)
    clips = random_videos(model.config, 2, 5)
    before = [v.numpy() for v in model.trainable_variables]
    result = TrainingStep(model, TrainConfig(beta_z=3.0))(clips, 1)
    terms = result.mean.terms
    assert (terms["l2_res"] == 0) == (update != "residual")
    assert (terms["kl_z"] == 0) == (not stochastic)
    assert result.mean.kl["z"].shape == (model.config.noise_size,)
    expected = terms["nll"] + terms["kl_y1"] + 3.0 * terms["kl_z"] + terms["l2_res"]
    np.testing.assert_allclose(result.mean.loss, expected, rtol=1e-6)
    unmoved = [
        v.path
        for v, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(v.numpy(), old)
    ]
    assert unmoved == []
    futures, of_frozen = (
        forecast_eagerly(m, clips[:, :3], horizon=4, num_samples=2) for m in (model, model.frozen())
    )
    np.testing.assert_allclose(of_frozen, futures, atol=1e-6)
    if update != "residual":
        with pytest.raises(UserError, match="euler_steps=2"):
            model.forecast(clips[:, :3], 2, euler_steps=2)


@pytest.mark.parametrize("update", ["residual", "gru"])
def test_without_z_a_future_is_a_function_of_the_first_state(update):
    model = small_model(dynamics=update, stochastic=False, **ONE)
    videos = tf.constant(random_videos(model.config, 1, 3))
    y_1 = tf.random.stateless_normal([1, 1, model.config.ny], [1, 2])
    noise = ForecastNoise(y_1, tf.zeros([1, 1, 6, 0]))
    inferred = model.infer(model.encode(videos))
    y = draw(inferred.q_y1, y_1[:, 0])
    states = []
    for _ in range(6):
        y = model.step(y, tf.zeros([1, 0]))
        states.append(y)
    expected = model.decode(inferred.content, tf.stack(states[2:], 1), inferred.skips)
    np.testing.assert_allclose(model.forecast_from_noise(videos, noise)[:, 0], expected, atol=1e-5)


def test_the_published_model_is_the_default():
    names = {weight.path for weight in small_model().weights}
    assert any("dynamics/residual/" in name for name in names)
    without = {weight.path for weight in small_model(stochastic=False).weights}
    lost = {name for name in names - without}
    assert lost and all("/q_z/" in name or "/prior/" in name for name in lost)
