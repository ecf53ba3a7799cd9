"""The planner of examples/push_to_goal.py: in a world that is known, and in the simulated arm."""

import numpy as np
import pytest
import tensorflow as tf

from examples import push_to_goal
from examples.push_to_goal import Episode, Planner, as_actions, random_plans, summary
from tests.cli.commands import outcome
from tests.export.small_export import make_run

PIXELS = 200  # per metre


class KnownWorld:
    """What a perfect model would be: a disc that goes where the actions send it."""

    class config:
        action_size = 4

    def frozen(self):
        return self

    def forecast(self, frames, horizon, num_samples, seed, actions):
        places = np.cumsum(actions[:, -horizon:, :2], axis=1)
        return tf.stack([[picture(place) for place in plan] for plan in places])


def picture(place):
    """A soft disc on 64 x 64 pixels, `place` metres from the middle, in [0, 1]."""
    y, x = np.mgrid[:64, :64] - 32.0
    distance = np.hypot(y - PIXELS * place[0], x - PIXELS * place[1])
    return np.clip(2 - distance / 8, 0, 1)[..., None].astype(np.float32)


@pytest.mark.parametrize("goal", [(0.06, 0.0), (-0.04, 0.05)])
def test_the_planner_finds_the_way_in_a_known_world(goal):
    planner = Planner(KnownWorld(), rounds=4)
    target = (255 * picture(goal)).astype(np.uint8)
    plan = planner.plan(np.random.default_rng(0), None, np.zeros((1, 4), np.float32), target)
    assert plan.shape == (planner.horizon, 4) and not plan[:, 2:].any()
    np.testing.assert_allclose(plan.sum(axis=0)[:2], goal, atol=0.012)


def test_plans_are_as_wide_and_as_smooth_as_the_videos_actions():
    plans = random_plans(np.random.default_rng(0), 20_000, 6)
    assert plans.std(axis=(0, 2)) == pytest.approx(push_to_goal.SPEED, rel=0.02)
    pairs = plans[:, :-1].ravel(), plans[:, 1:].ravel()
    assert np.corrcoef(*pairs)[0, 1] == pytest.approx(push_to_goal.INERTIA, abs=0.01)
    assert as_actions(plans).shape == (20_000, 6, 4)


def test_the_table_has_wilsons_interval():
    frames = np.zeros((1, 8, 8, 3), np.uint8)
    episodes = [Episode(0.2, d, frames, frames[0]) for d in [0.01] * 8 + [0.2] * 2]
    share, (low, high), distance, half = summary(episodes)
    assert share == 0.8 and (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert distance == pytest.approx(0.048) and half > 0


@pytest.mark.long
def test_the_whole_example_with_models_that_know_nothing(tmp_path):
    flags = "--dataset=bair", "--channels=3", "--frame_size=64", "--nt_cond=2"
    runs = [
        make_run(tmp_path / name, *flags, f"--action_size={size}")
        for name, size in (("with", 4), ("without", 0))
    ]
    film = tmp_path / "film.gif"
    given = f"--run_dir={runs[0]}", f"--compare={runs[1]}", "--episodes=3", f"--output={film}"
    status, out, _ = outcome(push_to_goal, *given)
    assert status == 0 and film.stat().st_size > 0
    for name in ("planned", "ignoring actions", "random"):
        assert name in out
