"""Models with actions, against PyTorch, against other ways to compute them, and without."""

import numpy as np
import pytest
import tensorflow as tf
import torch

from benchmarks import plain_svg
from srvp_tf.config import TrainConfig
from srvp_tf.errors import UserError
from srvp_tf.experiments import forecast_at_rates
from srvp_tf.models.losses import kl_z, l2_res
from srvp_tf.models.outputs import Encoding
from srvp_tf.training.step import TrainingStep
from tests.models.small import random_videos, small_model, spread_statistics

A, B, T = 2, 3, 5
KINDS = [
    {},
    {"dynamics": "gru", "euler_steps": 1},
    {"model": "svg"},
    pytest.param({"dynamics": "mlp", "euler_steps": 1}, marks=pytest.mark.long),
    pytest.param({"stochastic": False}, marks=pytest.mark.long),
]
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))


def actions(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=(*shape, A)).astype(np.float32)


def model_with_actions(precision="float32", **changes):
    """A small model that reads actions, of another scale than 1, whose frames are no mere grey."""
    model = spread_statistics(small_model(precision, action_size=A, **changes))
    model.set_action_scale(np.array([0.3, -1.0]), np.array([2.0, 0.5]))
    return model


# --- an oracle in PyTorch ------------------------------------------------------------------------


def to_torch(x):
    return torch.tensor(np.asarray(x), dtype=torch.float64, requires_grad=True)


class Oracle:
    """q(z), p(z) and f of a model in PyTorch, float64, from the equations of docs/model.md."""

    def __init__(self, model):
        self.c = model.config
        self.weights = {w.path: to_torch(w) for w in model.trainable_weights}
        self.mean, self.scale = to_torch(model.action_mean), to_torch(model.action_scale)

    def of(self, *names):
        (found,) = [w for path, w in self.weights.items() if path.endswith("/".join(names))]
        return found

    def affine(self, x, *names):
        return x @ self.of(*names, "kernel") + self.of(*names, "bias")

    def perceptron(self, x, name):
        for i in range(self.c.nlayers_res):
            x = self.affine(torch.relu(x) if i else x, "dynamics", name, f"layer_{i}")
        return x

    def gaussian(self, params):
        mean, raw = params.chunk(2, -1)
        scale = torch.nn.functional.softplus(raw, threshold=1e9) + 1e-8
        return torch.distributions.Normal(mean, scale)

    def posteriors(self, features, a):
        lstm = torch.nn.LSTMCell(features.shape[-1] + A, self.c.nh_inf, dtype=torch.float64)
        names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
        given = {
            theirs: w.mT if (w := self.of("q_z", "lstm", ours)).ndim > 1 else w
            for theirs, ours in zip(dict(lstm.named_parameters()), names, strict=True)
        }
        state, outputs = None, []
        for t in range(features.shape[1]):
            led_here = a[:, t - 1] if t else torch.zeros_like(a[:, 0])
            x = torch.cat([features[:, t], led_here], -1)
            state = torch.func.functional_call(lstm, given, (x, state))
            outputs.append(state[0])
        return self.gaussian(self.affine(torch.stack(outputs[1:], 1), "q_z", "head"))

    def run(self, features, y, eps, actions):
        """States [B, T - 1, ny], KL of z [B] and norms of the residuals [B]."""
        a = (actions - self.mean) / self.scale
        q, states, kl, norms = self.posteriors(features, a), [], 0.0, 0.0
        for t in range(a.shape[1]):
            q_t = torch.distributions.Normal(q.loc[:, t], q.scale[:, t])
            p_t = self.gaussian(self.perceptron(torch.cat([y, a[:, t]], -1), "prior"))
            kl = kl + torch.distributions.kl_divergence(q_t, p_t).sum(-1)
            z = q_t.loc + q_t.scale * eps[:, t]
            for _ in range(self.c.euler_steps):  # all of them see the same action
                x = torch.cat([y, z, a[:, t]], -1)
                step = self.perceptron(x, "residual") / self.c.euler_steps
                y, norms = y + step, norms + step.norm(dim=-1)
            states.append(y)
        return torch.stack(states, 1), kl, norms


def test_states_losses_and_gradients_are_pytorchs():
    model = model_with_actions("float64")
    rng, c = np.random.default_rng(0), model.config
    values = {
        "features": rng.normal(size=(B, T, c.nhx)),
        "y": rng.normal(size=(B, c.ny)),
        "eps": rng.normal(size=(B, T - 1, c.nz)),
        "actions": rng.normal(size=(B, T - 1, A)),
    }
    weigh = rng.normal(size=(B, T - 1, c.ny))
    given = {name: tf.constant(x) for name, x in values.items()}
    latent = [*model.q_z.trainable_weights, *model.dynamics.trainable_weights]
    watched = [w.value for w in latent]
    with tf.GradientTape() as tape:
        tape.watch(list(given.values()))
        inferred = model.infer(Encoding(given["features"], ()), actions=given["actions"])
        path = model.rollout(given["y"], given["eps"], inferred.q_z, actions=given["actions"])
        outputs = type("Outputs", (), {"q_z": inferred.q_z, "p_z": path.p_z})
        outputs.residuals = path.residuals
        kl, norms = kl_z(None, outputs), l2_res(None, outputs)
        loss = tf.reduce_sum(path.states[:, :, -1] * weigh) + tf.reduce_sum(2.0 * kl + norms)
    gradients = tape.gradient(loss, [*watched, *given.values()])

    oracle, theirs = Oracle(model), {name: to_torch(x) for name, x in values.items()}
    states, their_kl, their_norms = oracle.run(**theirs)
    their_loss = (states * torch.tensor(weigh)).sum() + (2.0 * their_kl + their_norms).sum()
    leaves = [*(oracle.weights[w.path] for w in latent), *theirs.values()]
    expected = torch.autograd.grad(their_loss, leaves)

    np.testing.assert_allclose(path.states[:, :, -1], states.detach(), rtol=1e-10)
    np.testing.assert_allclose(kl, their_kl.detach(), rtol=1e-10)
    np.testing.assert_allclose(norms, their_norms.detach(), rtol=1e-10)
    names = [*(w.path for w in latent), *given]
    for name, ours, other in zip(names, gradients, expected, strict=True):
        other = other.numpy()
        scale = np.abs(other).max()
        assert scale > 0, name
        np.testing.assert_allclose(ours, other, rtol=0, atol=1e-10 * scale, err_msg=name)


# --- other ways to compute the same --------------------------------------------------------------


def test_svg_is_the_plain_one_frame_by_frame():
    model = model_with_actions("float64", model="svg")
    plain = plain_svg.plain_copy(model)
    clips, plan = random_videos(model.config, B, T), actions(B, T - 1)
    eps = tf.constant(np.random.default_rng(1).normal(size=(B, T - 1, model.config.nz)))
    ours, theirs = (m(clips, noise=eps, training=True, actions=plan) for m in (model, plain))
    np.testing.assert_allclose(ours.frames, theirs.frames, atol=1e-9)
    np.testing.assert_allclose(ours.p_z.loc, theirs.p_z.loc, atol=1e-9)
    np.testing.assert_allclose(ours.q_z.scale, theirs.q_z.scale, rtol=1e-9)


@kinds
def test_a_stream_with_actions_is_the_forecast(kind):
    model = model_with_actions(**kind)
    c, horizon = model.config, 3
    videos, plan = random_videos(c, B, T), actions(B, T - 1 + horizon)
    noise = model.forecast_noise(7, tf.range(B), tf.range(1), T + horizon)
    expected = model.forecast(videos, horizon, seed=7, actions=plan)[:, 0]
    frames, eps = model.to_unit_range(tf.constant(videos)), noise.z[:, 0]
    # Three frames are encoded, the others come one by one.
    state = model.encode_state(
        frames[:, :3], noise.y_1[:, 0], eps[:, :2], actions=tf.constant(plan[:, :2])
    )
    for t in range(3, T):
        after = model.observe_state(state, frames[:, t], eps[:, t - 1], tf.constant(plan[:, t - 1]))
        state = state | after
    for t in range(T, T + horizon):
        given = tf.constant(plan[:, t - 1 : t])
        changed, frame = model.predict_from_state(
            state, eps[:, t - 1 : t], c.euler_steps, actions=given
        )
        np.testing.assert_allclose(frame[:, 0], expected[:, t - T], atol=1e-5)
        state = state | changed


@kinds
def test_plans_by_sample_are_single_ones_in_a_row(kind):
    model = model_with_actions(**kind)
    videos, past = random_videos(model.config, 2, 3), actions(2, 1, 2)
    plans = np.concatenate([np.repeat(past, 3, axis=1), actions(2, 3, 4, seed=5)], axis=2)
    together = model.forecast(videos, 4, num_samples=3, seed=1, actions=plans)
    for s in range(3):
        alone = model.forecast(videos, 4, num_samples=3, seed=1, actions=plans[:, s])
        np.testing.assert_allclose(together[:, s], alone[:, s], atol=1e-5)
    assert np.abs(together[:, 0] - alone[:, 0]).max() > 1e-4  # the action is what differs
    single = model.forecast(videos[0], 4, num_samples=3, seed=1, actions=plans[0])
    np.testing.assert_allclose(single, together[0], atol=1e-5)
    frozen = model.frozen().forecast(videos, 4, num_samples=3, seed=1, actions=plans)
    np.testing.assert_allclose(frozen, together, atol=1e-5)


def test_the_future_does_not_reach_the_past():
    model = model_with_actions()
    videos, plan = random_videos(model.config, 2, 3), actions(2, 6)
    other = plan.copy()
    other[:, 4:] += 1
    frames, others = (model.forecast(videos, 4, actions=a) for a in (plan, other))
    np.testing.assert_array_equal(frames[:, 0, :2], others[:, 0, :2])
    assert (np.abs(frames - others)[:, 0, 2:].max(axis=(2, 3, 4)) > 1e-6).all()


def test_actions_are_scaled_by_weights_of_the_model(tmp_path):
    model = model_with_actions()
    videos, plan = random_videos(model.config, 2, 3), actions(2, 4)
    of_raw = model.forecast(videos, 2, actions=plan)
    model.set_action_scale(np.zeros(A), np.ones(A))
    of_scaled = model.forecast(videos, 2, actions=(plan - [0.3, -1.0]) / [2.0, 0.5])
    np.testing.assert_allclose(of_raw, of_scaled, atol=1e-6)
    assert not {"action_mean", "action_scale"} & {w.name for w in model.trainable_weights}
    model.set_action_scale([0.3, -1.0], [2.0, 0.5])
    model.save(tmp_path / "model.keras")
    import srvp_tf

    loaded = srvp_tf.load(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.forecast(videos, 2, actions=plan), of_raw, atol=1e-6)


# --- training ------------------------------------------------------------------------------------


@kinds
def test_every_weight_learns_and_fit_trains_as_the_step(kind):
    from srvp_tf.training.optimizer import PublishedAdam, PublishedSchedule

    model, by_fit = (model_with_actions(**kind) for _ in range(2))
    clips = {"frames": random_videos(model.config, 4, T), "actions": actions(4, T - 1)}
    before = [v.numpy() for v in model.trainable_variables]
    c = TrainConfig(learning_rate=1e-3)
    TrainingStep(model, c)(clips, 1)
    for v, old in zip(model.trainable_variables, before, strict=True):
        if "bias" not in v.path:  # SVG's before a normalisation have no gradient
            assert not np.array_equal(v.numpy(), old), v.path
    np.testing.assert_array_equal(model.action_scale, [2.0, 0.5])
    by_fit.compile(PublishedAdam(PublishedSchedule(c.learning_rate, c.lr_burnin, c.lr_decay)))
    by_fit.fit(clips, batch_size=4, epochs=1, shuffle=False, verbose=0)
    for ours, theirs in zip(model.trainable_variables, by_fit.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-6, err_msg=ours.path)
    assert by_fit.predict(clips, verbose=0).shape == clips["frames"].shape


def test_more_actions_than_none_change_no_other_weight():
    names = {w.path for w in small_model().weights}
    more = {w.path for w in small_model(action_size=A).weights} - names
    assert {name.split("/")[-1] for name in more} == {"action_mean", "action_scale"}


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "plan", "line"),
    [
        (A, None, r"takes actions: give actions=\[B, 4, 2\]"),
        (A, actions(2, 3), r"shape \(2, 3, 2\); this model takes \[B, 4, 2\] or \[B, 5, 4, 2\]"),
        (A, np.full((2, 4, A), np.nan), "not finite"),
        (0, actions(2, 4), "takes none"),
        (A, actions(1, 4), r"for these 2 videos"),
        (A, np.full((2, 4, A), "1"), "give numbers"),
        (A, actions(2, 5, 4), "differ before its last frame"),
    ],
)
def test_wrong_actions_are_one_line(size, plan, line):
    model = small_model(action_size=size)
    with pytest.raises(UserError, match=line):
        model.forecast(random_videos(model.config, 2, 3), 2, num_samples=5, actions=plan)


def test_a_video_needs_its_actions():
    model = model_with_actions()
    videos = random_videos(model.config, 2, 4)
    for call in (model, model.elbo_terms, lambda x: model.fit(x, verbose=0)):
        model.compile()
        with pytest.raises(UserError, match=r"give actions=\[B, 3, 2\]"):
            call(videos)
    for mean, scale in (([0, 0], [1, 0]), ([0, np.nan], [1, 1]), ([0, 0], [1, np.inf]), (0, 1)):
        with pytest.raises(UserError, match="2 columns"):
            model.set_action_scale(mean, scale)
    for clips in ({"video": videos}, {"frames": videos, "label": np.zeros(2)}):
        with pytest.raises(UserError, match="clips are a dict of"):
            model.fit(clips, verbose=0)
    noise = model.forecast_noise(0, tf.range(2), tf.range(1), 6)
    with pytest.raises(UserError, match="noise.with_actions"):
        model.forecast_from_noise(videos, noise)
    with pytest.raises(UserError, match="no experiments"):
        forecast_at_rates(model, videos, 2, [1])
