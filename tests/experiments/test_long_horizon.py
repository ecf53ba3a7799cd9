"""Long forecasts: the pieces make the whole, and what becomes of the state is told."""

import numpy as np
import pytest

from srvp_tf.experiments import forecast_in_chunks, forecast_thinned, measure_long_horizon
from srvp_tf.metrics.baselines import last_frame, pooled_psnr
from srvp_tf.video import to_uint8
from tests.experiments.models import even_motion, varied_model
from tests.experiments.test_content_swap import assert_same_frames
from tests.models.small import random_videos

HORIZON = 7


VARIANTS = [{"skips": True}, {"stochastic": False}]


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    return varied_model(**request.param)


@pytest.fixture(scope="module", params=VARIANTS)
def exact_model(request):
    """Of float64: what rounding amplifies is far below what a wrong frame would differ by."""
    return varied_model(precision="float64", **request.param)


@pytest.fixture(scope="module")
def observed(model):
    return random_videos(model.config, 2, 4)


SAMPLED = {"num_samples": 2, "seed": 6, "video_ids": [4, 9]}


@pytest.fixture(scope="module")
def whole(model, observed):
    return model.forecast(observed, HORIZON, **SAMPLED).numpy()


@pytest.mark.parametrize("chunk_length", [3, 100])
def test_the_pieces_are_the_forecast(exact_model, chunk_length):
    observed = random_videos(exact_model.config, 2, 4)
    whole = exact_model.forecast(observed, HORIZON, **SAMPLED)
    pieces = forecast_in_chunks(
        exact_model, observed, HORIZON, chunk_length=chunk_length, **SAMPLED
    )
    pieces = list(pieces)
    assert [piece.first_frame for piece in pieces] == list(range(0, HORIZON, chunk_length))
    frames = np.concatenate([piece.frames for piece in pieces], axis=2)
    np.testing.assert_allclose(frames, whole, atol=1e-10)


@pytest.mark.parametrize("every", [2, 8])
def test_a_thinned_forecast(model, observed, whole, every):
    frames = forecast_thinned(model, observed, HORIZON, every=every, chunk_length=3, **SAMPLED)
    assert_same_frames(frames, to_uint8(whole[:, :, ::every]))


def test_a_forecast_that_comes_true(model, observed, whole):
    known = 5  # frames of truth: it ends within the third window
    report = measure_long_horizon(
        model, observed, HORIZON, whole[:, 0, :known], window=2, seed=6, video_ids=[4, 9]
    )
    assert report["finite_frames"] == HORIZON
    windows = report["windows"]
    assert [window["frames"] for window in windows] == [2, 2, 2, 1]
    last = last_frame(np.concatenate([observed / np.float32(255), whole[:, 0]], axis=1), 4)
    for window in windows[:2]:
        frames = whole[:, 0, window["first_frame"] :][:, :2]
        assert window["score"]["psnr"] > 90
        assert window["motion"] == pytest.approx(np.abs(np.diff(frames, axis=1)).mean(), rel=1e-4)
        assert window["true_motion"] == pytest.approx(window["motion"], rel=1e-4)
        assert window["true_brightness"] == pytest.approx(window["brightness"], rel=1e-4)
        assert window["last_frame_score"]["psnr"] == pytest.approx(
            pooled_psnr(frames, last[:, :2]), abs=1e-3
        )
    assert windows[2]["score"] is windows[2]["true_motion"] is None
    assert windows[3]["motion"] == 0 and windows[3]["state_speed"] > 0


def test_a_state_that_moves_evenly():
    speed = np.array([3.0, 0, 0, 0, 4.0, 0])
    model = even_motion(speed)
    report = measure_long_horizon(model, random_videos(model.config, 2, 3), 300, window=100)
    largest = [window["largest_state"] for window in report["windows"]]
    assert [window["state_speed"] for window in report["windows"]] == pytest.approx([5.0] * 3)
    assert np.diff(largest) == pytest.approx([400.0, 400.0])
    of_video = [
        np.abs(chunk.states).max(axis=(2, 3)).ravel()
        for chunk in forecast_in_chunks(model, random_videos(model.config, 2, 3), 300)
    ]
    medians = [window["median_state"] for window in report["windows"]]
    assert medians == pytest.approx([(a + b) / 2 for a, b in of_video])


def test_a_state_that_overflows():
    model = varied_model(euler_steps=1)
    *_, kernel, bias = model.dynamics.residual.weights
    bias.assign(np.full(bias.shape, 1e37))
    kernel.assign(np.zeros(kernel.shape))
    observed = random_videos(model.config, 2, 3)
    report = measure_long_horizon(model, observed, 60, window=20)
    # 1e37 a frame: beyond float32's 3.4e38 after 34 frames; the prior's scale may overflow before.
    assert report["finite_frames"] <= 34
    states = np.concatenate(
        [chunk.states for chunk in forecast_in_chunks(model, observed, 60, chunk_length=20)], axis=2
    )
    assert np.isfinite(states[:, :, : report["finite_frames"]]).all()
    assert report["windows"][-1]["finite"] < 1 and report["windows"][-1]["score"] is None
    shown = forecast_thinned(model, observed, 60, every=59)
    assert (shown[:, :, -1] == 255).all()
