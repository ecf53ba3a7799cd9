"""The arm does as it is told, and its videos are the same again."""

import numpy as np
import pytest

from tests.corpora.arm import LEAST, MOST, PushingArm, push_cubes

pytest.importorskip("pybullet")
SIZE = 16


def seen(frame):
    return {camera: picture.tobytes() for camera, picture in frame.pictures.items()}


def test_the_actions_of_a_video_make_it_again():
    frames = list(push_cubes(np.random.default_rng(3), 8, SIZE))
    with PushingArm(np.random.default_rng(3), SIZE) as pushing:
        for frame in frames:
            assert seen(pushing.frame()) == seen(frame)
            pushing.act(frame.action)


def test_the_hand_goes_where_it_is_sent_and_no_further():
    with PushingArm(np.random.default_rng(0), SIZE) as pushing:
        middle = (LEAST + MOST) / 2
        for _ in range(10):
            pushing.act(np.clip(middle - pushing.goal, -0.05, 0.05))
        np.testing.assert_allclose(pushing.goal, middle, atol=1e-9)
        np.testing.assert_allclose(pushing.frame().position[:2], middle, atol=0.02)
        for way, end in (((1.0, 1.0, 9.0, 9.0), MOST), ((-1.0, -1.0), LEAST)):
            pushing.act(way)
            np.testing.assert_array_equal(pushing.goal, end)


def test_pushed_cubes_move_and_a_new_start_is_that_of_a_new_arm():
    with PushingArm(np.random.default_rng(1), SIZE) as pushing:
        before = pushing.cubes()
        assert before.shape == (4, 3)
        # To the place of a cube and on.
        for goal in (before[2, :2], MOST, LEAST):
            for _ in range(12):
                pushing.act(np.clip(goal - pushing.goal, -0.04, 0.04))
        assert np.linalg.norm(pushing.cubes() - before, axis=1).max() > 0.02
        pushing.reset(np.random.default_rng(1))
        np.testing.assert_array_equal(pushing.cubes(), before)
        with PushingArm(np.random.default_rng(1), SIZE) as other:
            assert seen(pushing.frame()) == seen(other.frame())
