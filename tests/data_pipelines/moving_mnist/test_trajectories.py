"""The reference procedure against the authors' own output, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.moving_mnist import test_set
from data_pipelines.moving_mnist.trajectories import render_digits, trajectory

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "moving_mnist.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("motion", ["stochastic", "deterministic"])
@pytest.mark.parametrize("suffix, max_speed, seed", [("", 4, 7), ("_speed9", 9, 8)])
def test_trajectories_equal_the_authors(golden, motion, suffix, max_speed, seed):
    expected = golden[f"{motion}/trajectories{suffix}"]
    rng = np.random.RandomState(seed)
    for path in expected:
        made = trajectory(
            rng, len(path), max_speed=max_speed, deterministic=motion == "deterministic"
        )
        np.testing.assert_array_equal(made, path)


def test_clips_equal_the_authors(golden):
    digits, expected = golden["digits"], golden["stochastic/clips"]
    rng = np.random.RandomState(9)
    for clip in expected:
        pictures, paths = [], []
        for _ in range(2):
            pictures.append(digits[rng.randint(len(digits))])
            paths.append(trajectory(rng, len(clip)))
        np.testing.assert_array_equal(render_digits(np.stack(pictures), np.stack(paths)), clip)


def test_test_set_equals_the_authors(golden):
    made = np.stack(list(test_set.official_videos(golden["digits"], length=25)))
    np.testing.assert_array_equal(made, golden["test_set/videos"])


def test_overlapping_digits_are_clipped_at_255():
    digits = np.full((2, 1, 1), 200, np.uint8)
    paths = np.array([[[0, 0], [0, 0]], [[0, 0], [0, 1]]])
    expected = [[[255, 0], [0, 0]], [[200, 200], [0, 0]]]
    np.testing.assert_array_equal(render_digits(digits, paths, frame_size=2), expected)
