"""Interpolation of dynamics: its ends are known, and a fade is told from a motion."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.experiments import interpolate_dynamics, measure_interpolation, reconstruct_at_rate
from srvp_tf.models.distributions import draw
from srvp_tf.models.noise import forecast_noise
from srvp_tf.video import to_uint8
from tests.experiments.models import varied_model
from tests.experiments.test_content_swap import assert_same_frames
from tests.models.small import random_videos


@pytest.fixture(scope="module")
def model():
    return varied_model(skips=True)


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 4, 4)


def test_with_z_the_ends_are_reconstructions(model, videos):
    start, end = videos[:2], videos[2:]
    points = interpolate_dynamics(model, start, end, num_points=3, interpolate_z=True)
    assert points.shape == (2, 3, 4, 32, 32, 1)
    assert_same_frames(points[:, 0], to_uint8(reconstruct_at_rate(model, start, 2, 1)))
    points = interpolate_dynamics(
        model, start, end, num_points=3, interpolate_z=True, content=end, horizon=2
    )
    assert_same_frames(points[:, -1, :4], to_uint8(reconstruct_at_rate(model, end, 2, 1)))


@pytest.mark.parametrize("interpolate_z", [False, True])
def test_a_point_in_between(model, videos, interpolate_z):
    start, end, content = videos[:1], videos[1:2], videos[2:3]
    points = interpolate_dynamics(
        model,
        start,
        end,
        num_points=5,
        content=content,
        horizon=2,
        interpolate_z=interpolate_z,
        seed=3,
        video_ids=[8],
    )
    first, last, scene = (model.infer(model.encode(x)) for x in (start, end, content))
    y = 0.75 * first.q_y1.loc + 0.25 * last.q_y1.loc
    z = 0.75 * first.q_z.loc + 0.25 * last.q_z.loc
    eps = forecast_noise(model.config, 3, tf.constant([8]), tf.range(1), 6).z[:, 0]
    states = [y]
    for i in range(5):
        drawn = draw(model.dynamics.prior(states[-1]), eps[:, i])
        states.append(model.step(states[-1], z[:, i] if interpolate_z and i < 3 else drawn))
    expected = model.decode(scene.content, tf.stack(states, 1), scene.skips)
    assert_same_frames(points[:, 1], to_uint8(expected))


def test_a_model_without_z(videos):
    model = varied_model(stochastic=False)
    points = interpolate_dynamics(model, videos[:2], videos[2:], interpolate_z=True)
    assert_same_frames(points[:, 0], to_uint8(reconstruct_at_rate(model, videos[:2], 2, 1)))


def test_what_cannot_be_interpolated_is_refused(model, videos):
    with pytest.raises(UserError, match="4 frames, end 3"):
        interpolate_dynamics(model, videos, videos[:, :3])
    with pytest.raises(UserError, match="num_points=1"):
        interpolate_dynamics(model, videos, videos, num_points=1)
    with pytest.raises(UserError, match="4 of start, 2 of end"):
        interpolate_dynamics(model, videos, videos[:2])


# --- the measure ----------------------------------------------------------------------------------


def square(row, column):
    frame = np.zeros((32, 32, 1), np.float32)
    frame[row : row + 4, column : column + 4] = 1
    return frame


# Two frames: in both the square stands 12 pixels to the right, and 16 down, of the start's.
MOVED = np.stack([[square(4 + 4 * p, 2 + 3 * p), square(8 + 4 * p, 6 + 3 * p)] for p in range(5)])
SPREAD = np.sqrt(2 * (4**2 - 1) / 12)  # of a square of 4 pixels about its centre


def test_a_thing_that_moves_from_the_one_place_to_the_other():
    measured = measure_interpolation(np.stack([MOVED, MOVED]))
    assert measured["distance"] == {"mean": pytest.approx(20), "ci95": pytest.approx(0)}
    assert measured["deviation"]["mean"] == pytest.approx(0, abs=1e-6)
    assert measured["spread"]["mean"] == pytest.approx(SPREAD)
    assert measured["spread_of_ends"]["mean"] == pytest.approx(SPREAD)
    # Two squares 20 pixels apart, in shares a and 1 - a.
    faded = np.mean([np.sqrt(SPREAD**2 + a * (1 - a) * 400) for a in (0.25, 0.5, 0.75)])
    assert measured["spread_of_fade"]["mean"] == pytest.approx(faded)


def test_a_fade_and_a_jump():
    shares = np.linspace(0, 1, 5)[:, None, None, None, None]
    fade = (1 - shares) * MOVED[0] + shares * MOVED[-1]
    measured = measure_interpolation(fade[None])
    assert measured["deviation"]["mean"] == pytest.approx(0, abs=1e-6)
    assert measured["spread"]["mean"] == pytest.approx(measured["spread_of_fade"]["mean"])
    jump = MOVED[[0, 0, 0, 4, 4]]
    measured = measure_interpolation(jump[None])
    # Off the line by 5, 10 and 5 pixels.
    assert measured["deviation"]["mean"] == pytest.approx(np.sqrt((25 + 100 + 25) / 3))
