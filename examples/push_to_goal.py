"""A robot arm that reaches what a picture shows: plans by a model of video with actions.

    python -m examples.push_to_goal --run_dir=arm_actions

A simulated arm (extra `test-long`: pybullet) stands among cubes; a picture shows where it should
be. At each step the cross-entropy method looks for the plan whose predicted frames come nearest to
the picture, and the first action of it is done. An episode succeeds if the hand ends within 3 cm of
the goal's. --compare names a run whose model takes no actions, to be judged beside.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

SUCCESS = 0.03  # metres
STEPS = 12  # of an episode
LEAST_WAY = 0.1  # metres from the start to the goal
SPEED, INERTIA = 0.02, 0.85  # of plans: those of the videos that the model has learnt from
CAMERA = "image_aux1"


class Planner:
    """Finds actions by the cross-entropy method, with a model's forecasts in the place of a world.

    Args:
        model: a `VideoModel`; one without actions predicts the same for all plans but for its
            noise.
        horizon: intervals that a plan looks ahead.
        num_plans: plans that are predicted at once.
        rounds: times that plans are drawn, the later ones near the best of those before.
        num_best: plans that the next round, and the result, are the mean of.
    """

    def __init__(self, model, horizon=6, num_plans=64, rounds=3, num_best=6):
        self.model = model.frozen()
        self.horizon, self.num_plans = horizon, num_plans
        self.rounds, self.num_best = rounds, num_best

    def plan(self, rng, frames, past, goal):
        """Actions [horizon, A] that lead from observed frames to a goal.

        Args:
            rng: of the plans.
            frames: uint8 [T, H, W, C].
            past: the actions between them [T - 1, A].
            goal: uint8 [H, W, C].
        """
        mean = np.zeros((self.horizon, 2), np.float32)
        spread = np.ones_like(mean)
        for round_ in range(self.rounds):
            plans = mean + spread * random_plans(rng, self.num_plans, self.horizon)
            costs = self.costs(frames, past, plans, goal, seed=round_)
            best = plans[np.argsort(costs)[: self.num_best]]
            mean, spread = best.mean(axis=0), best.std(axis=0) / SPEED
        return as_actions(mean)

    def costs(self, frames, past, plans, goal, seed=0):
        """How far the predicted frames of plans [N, horizon, 2] are from a goal: [N]."""
        given = {}
        if self.model.config.action_size:
            done = np.repeat(past[None], len(plans), axis=0)
            given["actions"] = np.concatenate([done, as_actions(plans)], axis=1)
        predicted = self.model.forecast(frames, self.horizon, len(plans), seed, **given).numpy()
        error = np.square(blurred(predicted) - blurred(goal / np.float32(255)))
        # The sooner the better, but the end counts most.
        weights = np.arange(1, self.horizon + 1) / self.horizon
        return error.mean(axis=(2, 3, 4)) @ weights


def random_plans(rng, count, horizon):
    """Smooth random ways of the hand, as in the videos: [count, horizon, 2], metres."""
    velocity, plans = rng.normal(0, SPEED, (count, 2)), []
    for _ in range(horizon):
        velocity = INERTIA * velocity
        velocity += rng.normal(0, SPEED * np.sqrt(1 - INERTIA**2), (count, 2))
        plans.append(velocity)
    return np.stack(plans, axis=1).astype(np.float32)


def as_actions(ways):
    """Ways of the hand [..., 2] as actions [..., 4] of the corpus, whose gripper does nothing."""
    return np.concatenate([ways, np.zeros_like(ways)], axis=-1).astype(np.float32)


def blurred(frames):
    """Frames [..., H, W, C] in a quarter of the pixels: what is near then overlaps."""
    *lead, height, width, channels = frames.shape
    return frames.reshape(*lead, height // 4, 4, width // 4, 4, channels).mean(axis=(-4, -2))


class Episode(NamedTuple):
    """What came of an episode: metres from the hand to the goal, and the frames."""

    before: float
    after: float
    frames: np.ndarray
    goal: np.ndarray


def run_episode(index, choose):
    """An `Episode` in which `choose(rng, frames, past, goal)` gives each action.

    Its index says where arm, cubes and goal are.
    """
    from tests.corpora.arm import PushingArm

    with contextlib.ExitStack() as closing:
        arm = closing.enter_context(PushingArm(np.random.default_rng([7, index])))
        there, goal = _goal(index)
        frames, past, rng = [_picture(arm)], [], np.random.default_rng([8, index])
        # The model needs two frames: the first action is none.
        action = np.zeros(4, np.float32)
        before = _distance(arm, there)
        for _ in range(STEPS):
            arm.act(action)
            past.append(action)
            frames.append(_picture(arm))
            action = choose(rng, np.stack(frames[-2:]), np.stack(past[-1:]), goal)
        arm.act(action)
        frames.append(_picture(arm))
        return Episode(before, _distance(arm, there), np.stack(frames), goal)


def _goal(index):
    """Where the hand ends, and what is seen, after a random way from an episode's start."""
    from tests.corpora.arm import PushingArm

    for attempt in range(100):
        with PushingArm(np.random.default_rng([7, index])) as arm:
            start = arm.frame().position
            rng = np.random.default_rng([9, index, attempt])
            for way in random_plans(rng, 1, STEPS)[0]:
                arm.act(as_actions(way))
            if np.linalg.norm((arm.frame().position - start)[:2]) >= LEAST_WAY:
                return arm.frame().position, _picture(arm)
    raise RuntimeError(f"episode {index}: no goal is far enough")


def _picture(arm):
    return arm.frame().pictures[CAMERA]


def _distance(arm, there):
    return float(np.linalg.norm((arm.frame().position - there)[:2]))


def summary(episodes):
    """(share of successes, its 95 % interval by Wilson; mean distance, half its 95 % interval)."""
    after = np.array([episode.after for episode in episodes])
    n, p, z = len(after), float((after < SUCCESS).mean()), 1.96
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    interval = [(middle + sign * half) / (1 + z * z / n) for sign in (-1, 1)]
    return p, interval, after.mean(), z * after.std(ddof=1) / np.sqrt(n)


def draw(path, done, shown=3):
    """Write a film: a row for each of the first episodes, the goal and what each way saw."""
    from srvp_tf.video import write_video

    rows = [[episodes[index] for episodes in done.values()] for index in range(shown)]
    videos = np.stack([x for row in rows for x in (_still(row[0]), *(e.frames for e in row))])
    captions = ["goal", *done] * shown
    write_video(
        Path(path),
        videos,
        fps=4,
        conditioning=[videos.shape[1]] * len(videos),
        captions=captions,
        columns=1 + len(done),
        scale=2,
    )


def _still(episode):
    return np.repeat(episode.goal[None], len(episode.frames), axis=0)


def define_flags(flag_values):
    """The flags of this example."""
    define_path("run_dir", "arm_actions", "run of a model with actions", flag_values)
    define_path("compare", None, "run of a model without actions, to be judged beside", flag_values)
    define_path("output", "push_to_goal.gif", "film of some episodes", flag_values)
    flags.DEFINE_integer("episodes", 50, "how many", 3, flag_values=flag_values)


def main(flag_values):
    """Run the episodes with each way to choose actions; prints a table."""
    start_tensorflow(deterministic=True)
    from srvp_tf.runs.run_folder import load_model

    def planned(run):
        planner = Planner(load_model(run))
        size = planner.model.config.action_size
        if size not in (0, 4) or not size and run == flag_values.run_dir:
            raise UserError(f"--run_dir={run}: its model takes actions of {size} columns, not of 4")
        return lambda *seen: planner.plan(*seen)[0]

    ways = {"planned": planned(flag_values.run_dir)}
    if flag_values.compare:
        ways["ignoring actions"] = planned(flag_values.compare)
    ways["random"] = lambda rng, *_: as_actions(random_plans(rng, 1, 1)[0, 0])
    done = {
        name: [run_episode(index, choose) for index in range(flag_values.episodes)]
        for name, choose in ways.items()
    }
    before = np.mean([episode.before for episode in done["random"]])
    print(f"{flag_values.episodes} episodes of {STEPS} steps, {100 * before:.1f} cm to go")
    print(f"{'':18}{'success':>20}{'distance at the end':>24}")
    for name, episodes in done.items():
        share, (low, high), distance, half = summary(episodes)
        success = f"{share:.0%} ({low:.0%} to {high:.0%})"
        print(f"{name:18}{success:>20}{100 * distance:18.1f} +- {100 * half:.1f} cm")
    draw(flag_values.output, done)
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
