"""Golden trajectories, clips and test videos of Moving MNIST: equal to the last bit.

The files do not name their seeds. They are found by trial: a seed whose first item is the file's
first item is the file's seed, and everything after it is then compared.
"""

import numpy as np

from data_pipelines.moving_mnist.test_set import OFFICIAL_SEED, official_videos
from data_pipelines.moving_mnist.trajectories import render_digits, trajectory
from tests.golden.comparison import Row, Tolerance, relative_error

_EXACT = Tolerance(0.0, None)
_SPEEDS = {"trajectories": 4, "trajectories_speed9": 9}
_SEEDS = [OFFICIAL_SEED, *range(20_000)]
_DIGITS_PER_CLIP = 2


def check(golden):
    """Rows for every array of `moving_mnist.npz`; each is exact or fails."""
    makers = {
        f"{motion}/{name}": _trajectories(speed, motion == "deterministic")
        for motion in ("stochastic", "deterministic")
        for name, speed in _SPEEDS.items()
    }
    makers["stochastic/clips"] = _clips(golden["digits"])
    makers["test_set/videos"] = lambda seed, _, length: official_videos(
        golden["digits"], length, seed=seed
    )
    return [
        Row(key, _error(make, golden[key]), None, _EXACT)
        for key, make in makers.items()
        if key in golden
    ]


def _error(make, expected):
    """Relative error of what `make(seed, count, number of frames)` yields from the file's seed."""
    for seed in _SEEDS:
        items = make(seed, *expected.shape[:2])
        first = next(items)
        if np.array_equal(first, expected[0]):
            return relative_error([first, *items], expected)
    return np.inf


def _trajectories(max_speed, deterministic):
    def make(seed, count, length):
        rng = np.random.RandomState(seed)
        for _ in range(count):
            yield trajectory(rng, length, max_speed=max_speed, deterministic=deterministic)

    return make


def _clips(digits):
    """Per digit its index, then its trajectory, all from one generator."""

    def make(seed, count, length):
        rng = np.random.RandomState(seed)
        for _ in range(count):
            indices, paths = [], []
            for _ in range(_DIGITS_PER_CLIP):
                indices.append(rng.randint(len(digits)))
                paths.append(trajectory(rng, length))
            yield render_digits(digits[indices], np.stack(paths))

    return make
