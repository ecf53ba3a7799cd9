"""One training step: the same on one device and on two, repeatable, and guarded."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.models.losses import latent_kl, loss_terms, weighted_sum
from srvp_tf.models.noise import training_noise
from srvp_tf.training.step import TrainingStep
from srvp_tf.training.strategy import mirrored_strategy
from tests.models.bounds import rounding, without_kinks
from tests.models.small import random_videos, small_config, small_model

BATCH, FRAMES = 4, 5
ONE, TWO = ["/device:CPU:0"], ["/device:CPU:0", "/device:CPU:1"]
TRAIN = {"batch_size": BATCH, "lr_burnin": 2, "lr_decay": 2, "seed": 6}


MODELS = {
    "dcgan": {"family": "dcgan", "skips": True},
    "vgg": {"family": "vgg", "skips": True},
    "svg": {"model": "svg"},
}


class Run:
    """A small model with skips that is trained on `devices`."""

    def __init__(self, devices, family="dcgan", model_precision="float32", **train):
        self.strategy = mirrored_strategy(*devices)
        self.model_settings = model = {"channels": 3, **MODELS[family]}
        videos = random_videos(small_config(**model), BATCH, FRAMES)
        self.clips = (videos / 255.0).astype(np.float32)
        with self.strategy.scope():
            self.model = small_model(model_precision, **model)
            self.step = TrainingStep(self.model, TrainConfig(**(TRAIN | train)))
        self.initial = self.state()

    def reset(self):
        """Go back to before the first step."""
        for variable, value in zip(self.variables(), self.initial, strict=True):
            variable.assign(value)

    def train(self, step, clips=None):
        """One step on the clips, cut into equal parts in the order of the replicas."""
        clips = self.clips if clips is None else clips
        parts = np.split(clips, self.strategy.num_replicas_in_sync)
        distributed = self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )
        with self.strategy.scope():
            return self.step(distributed, step)

    def variables(self):
        """Weights, both moments and the step count."""
        adam = self.step.optimizer
        return [*self.model.weights, adam.iterations, *self.moments(), *self.moments("velocity")]

    def moments(self, kind="momentum"):
        """Adam's moments of one kind."""
        return [v for v in self.step.optimizer.variables if v.path.endswith(kind)]

    def state(self):
        """The values of `variables`."""
        return [v.numpy() for v in self.variables()]

    def gradients(self):
        """Those of the first step, of which Adam's first moments are the tenth."""
        return [moment.numpy() / 0.1 for moment in self.moments()]


def numbers(mean):
    return np.concatenate([np.ravel(x) for x in tf.nest.flatten(mean)])


def assert_same(a, b, tolerance):
    """Every tensor agrees, relative to its largest value."""
    for x, y in zip(a, b, strict=True):
        assert np.abs(x - y).max() <= tolerance * np.abs(y).max()


@pytest.mark.parametrize("family", ["dcgan", "svg", pytest.param("vgg", marks=pytest.mark.long)])
def test_two_replicas_are_one(family):
    """In float64, where no kink hides an error: losses, gradients, and all state after 3 steps."""
    one, two = (Run(devices, family, "float64") for devices in (ONE, TWO))
    for step in (1, 2, 3):
        a, b = one.train(step), two.train(step)
        assert b.is_finite and a.learning_rate == b.learning_rate
        assert_same([numbers(b.mean), b.gradient_norm], [numbers(a.mean), a.gradient_norm], 1e-9)
        if step == 1:
            assert_same(two.gradients(), one.gradients(), 1e-8)
    assert_same(two.state(), one.state(), 1e-7)


@pytest.fixture(scope="module")
def smooth_runs():
    """Runs on one device, which has the fused batch normalisation, and on two, without kinks."""
    with pytest.MonkeyPatch.context() as patch:
        without_kinks(patch)
        runs = [Run(devices) for devices in (ONE, TWO)]
        for run in runs:
            run.train(1)
    return runs


def test_two_replicas_are_one_in_float32_and_hold_the_same_state(smooth_runs):
    results = []
    for run in smooth_runs:
        run.reset()
        results.append(run.train(1).mean)
    one, two = smooth_runs
    assert_same(*([mean.loss, *mean.terms.values()] for mean in reversed(results)), 2e-5)
    expected, found = (np.concatenate([g.ravel() for g in r.gradients()]) for r in (one, two))
    tolerance = rounding("float32", 8, 16 * 64)  # dcgan's blocks, of up to 16 x 64 terms
    assert np.linalg.norm(found - expected) < tolerance * np.linalg.norm(expected)
    statistics = [
        [v.numpy() for v in run.model.non_trainable_variables if "norm" in v.path]
        for run in (two, one)
    ]
    assert len(statistics[0]) > 8
    assert_same(*statistics, tolerance)
    for variable in [v.value for v in two.model.weights + two.moments()]:
        first, second = two.strategy.experimental_local_results(variable)
        np.testing.assert_array_equal(first, second)


def test_repetition_on_one_device_is_bit_equal():
    run, states = Run(ONE, "vgg"), []  # sums of vgg depend on the threads
    for _ in range(2):
        run.reset()
        for step in (1, 2, 3):
            run.train(step)
        states.append(run.state())
    for a, b in zip(*states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_has_the_mean_of_the_objective_over_the_batch_and_its_slope():
    loss_weights = {"nll": 1.0, "kl_y1": 0.7, "kl_z": 1.3, "l2_res": 0.4}
    run = Run(ONE, model_precision="float64", beta_y=0.7, beta_z=1.3, l2_res_weight=0.4)
    noise = training_noise(run.model.config, 6, 1, tf.range(BATCH), FRAMES)
    weights = [v.numpy() for v in run.model.trainable_variables]
    random = np.random.default_rng(0)
    direction = [1e-8 * random.normal(size=w.shape) for w in weights]

    def objective(sign):
        """(its terms, the KL by dimension) at the weights moved along a random direction."""
        for v, w, d in zip(run.model.trainable_variables, weights, direction, strict=True):
            v.assign(w + sign * d)
        outputs = run.model(run.clips, noise, training=True)
        return loss_terms(run.clips, outputs, loss_weights), latent_kl(outputs)

    losses = [np.mean(weighted_sum(objective(sign)[0], loss_weights)) for sign in (1, -1)]
    terms, kl = objective(0)
    run.reset()
    mean = run.train(1).mean
    products = [np.sum(g * d) for g, d in zip(run.gradients(), direction, strict=True)]
    np.testing.assert_allclose(np.sum(products), (losses[0] - losses[1]) / 2, rtol=1e-4)
    for name, term in terms.items():
        np.testing.assert_allclose(mean.terms[name], np.mean(term), rtol=1e-9)
    np.testing.assert_allclose(mean.loss, np.mean(weighted_sum(terms, loss_weights)), rtol=1e-9)
    np.testing.assert_allclose(mean.kl["y1"], np.mean(kl["y1"], axis=0), rtol=1e-8)
    np.testing.assert_allclose(mean.kl["z"], np.mean(np.sum(kl["z"], axis=1), axis=0), rtol=1e-8)


def test_the_last_step_has_rate_zero_and_leaves_the_weights(smooth_runs):
    run = smooth_runs[0]
    run.reset()
    rates = [float(run.train(step).learning_rate) for step in (1, 2, 3)]
    np.testing.assert_allclose(rates, [3e-4, 3e-4, 1.5e-4], rtol=1e-12)
    before = [v.numpy() for v in run.model.trainable_variables]
    assert run.train(4).learning_rate == 0.0
    for a, b in zip(before, run.model.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("devices", "value"), [(1, np.inf), (2, np.nan)])
def test_a_step_with_a_number_that_is_not_finite_is_skipped(smooth_runs, devices, value):
    run = smooth_runs[devices - 1]
    run.reset()
    assert run.train(1).is_finite
    broken = run.clips.copy()
    broken[-1, 2, 5, 5, 0] = value
    kept = [*run.model.trainable_variables, *run.step.optimizer.variables]
    before = [v.numpy() for v in kept]
    assert not run.train(2, broken).is_finite
    for a, b in zip(before, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert all(np.isfinite(v.numpy()).all() for v in run.model.non_trainable_variables)
    assert run.train(3).is_finite
    assert run.step.optimizer.iterations.numpy() == 2


def test_float16_overflow_skips_the_step_and_halves_the_loss_scale_until_it_fits(
    smooth_runs, monkeypatch
):
    without_kinks(monkeypatch)
    smooth_runs[0].reset()
    exact = smooth_runs[0].train(1)
    run = Run(ONE, model_precision="mixed_float16", precision="mixed_float16")
    scale = run.step.loss_scale.value
    scale.assign(2.0**24)
    before = [v.numpy() for v in run.model.trainable_variables]
    skipped = 0
    while not (result := run.train(1)).is_finite:
        skipped += 1
        for a, b in zip(before, run.model.trainable_variables, strict=True):
            np.testing.assert_array_equal(a, b)
    assert skipped > 0 and scale.numpy() == 2.0 ** (24 - skipped)
    assert run.step.optimizer.iterations.numpy() == 1
    # The scale leaves no trace in what is reported.
    np.testing.assert_allclose(result.gradient_norm, exact.gradient_norm, rtol=5e-2)
    np.testing.assert_allclose(result.mean.loss, exact.mean.loss, rtol=1e-3)
