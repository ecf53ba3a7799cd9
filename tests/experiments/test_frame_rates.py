"""Frame rates: the same noise at every rate, and scores against frames that are known."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.experiments import (
    forecast_at_rates,
    measure_frame_rates,
    reconstruct_at_rate,
    steps_for_rate,
)
from srvp_tf.metrics.baselines import pooled_psnr
from srvp_tf.metrics.frame_metrics import ssim
from srvp_tf.models.noise import TrainingNoise
from srvp_tf.video import to_uint8
from tests.experiments.models import even_motion, varied_model
from tests.models.small import random_videos, small_config

NT_COND, HORIZON = 3, 4


@pytest.fixture(scope="module")
def model():
    return varied_model(skips=True)  # trained with two Euler steps, it says


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 2, NT_COND + HORIZON)


@pytest.mark.parametrize(
    ("trained", "rate", "expected"), [(1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 4, 4), (2, 3, 6)]
)
def test_steps_for_a_rate_refine_those_of_the_training(trained, rate, expected):
    assert steps_for_rate(small_config(euler_steps=trained), rate) == expected


def test_a_variant_of_one_step_per_frame_has_no_other_rate():
    config = small_config(dynamics="gru", euler_steps=1)
    assert steps_for_rate(config, 1) == 1
    with pytest.raises(UserError, match="one step per frame"):
        steps_for_rate(config, 2)


def test_forecasts_at_each_rate_are_those_of_the_model(model, videos):
    observed = videos[:, :NT_COND]
    futures = forecast_at_rates(
        model, observed, HORIZON, (1, 2, 4), num_samples=2, seed=5, video_ids=[7, 3]
    )
    for rate, steps in {1: 2, 2: 2, 4: 4}.items():
        frames = model.forecast(observed, HORIZON, 2, 5, steps, rate, [7, 3])
        difference = np.abs(futures[rate].astype(int) - to_uint8(frames))
        assert difference.max() <= 1 and difference.mean() < 0.01  # rounded near a whole number
    np.testing.assert_array_equal(futures[2][:, :, 1::2], futures[1])


def test_a_reconstruction_is_the_objective_s_without_noise(model, videos):
    config = model.config
    noise = TrainingNoise(
        tf.zeros([2, config.ny]), tf.zeros([2, videos.shape[1] - 1, config.nz]), None, None
    )
    expected = model(videos, noise).frames
    np.testing.assert_allclose(reconstruct_at_rate(model, videos, 2, 1), expected, atol=1e-5)
    np.testing.assert_allclose(
        reconstruct_at_rate(model, videos, 2, 2)[:, ::2], expected, atol=1e-5
    )


@pytest.fixture(scope="module")
def own_future():
    """A model of even motion, and videos that go on as its forecasts do, at twice the rate."""
    model = even_motion(0.8)
    fine = random_videos(model.config, 3, 2 * (NT_COND + HORIZON) - 1) / np.float32(255)
    observed = fine[:, ::2][:, :NT_COND]
    future = model.forecast(observed, HORIZON, 1, 3, 2, 2, [10, 11, 12]).numpy()[:, 0]
    fine[:, 2 * NT_COND - 1 :] = future
    return model, fine


def test_scores_of_a_forecast_that_comes_true(own_future):
    model, videos = own_future
    report = measure_frame_rates(
        model, videos, NT_COND, euler_steps=(1, 2), num_samples=1, seed=3, first_video=10
    )
    one, two = report["rows"]
    assert report["trained_euler_steps"] == 2
    assert [one["trained"], two["trained"]] == [False, True]
    # An even motion needs no small steps: all agree, to rounding.
    for row in (one, two):
        assert row["at_frame_times"]["psnr"] > 100
        assert row["at_frame_times"]["ssim"] == pytest.approx(1, abs=1e-6)
    assert one["psnr_to_trained_steps"] > 100 and two["psnr_to_trained_steps"] is None
    assert one["between"] is None and one["blend_of_predicted"] is None
    assert two["between"]["psnr"] > 100 and two["better_than_blend"] == 1
    at_times = videos[:, ::2][:, NT_COND - 1 :]
    blend = (at_times[:, :-1] + at_times[:, 1:]) / 2
    between = videos[:, 2 * NT_COND - 1 :: 2]
    for name in ("blend_of_true_neighbours", "blend_of_predicted"):
        score = two[name] if name in two else report[name]
        assert score["psnr"] == pytest.approx(pooled_psnr(between, blend), abs=1e-3)
        assert score["ssim"] == pytest.approx(float(np.mean(ssim(between, blend))), abs=1e-4)


def test_the_best_sample_is_judged_and_it_is_chosen_at_frame_times(own_future):
    model, videos = own_future
    videos = videos.copy()
    for other in (0, 1):  # the future is that of the second of three samples
        samples = model.forecast(videos[:, ::2][:, :NT_COND], HORIZON, 3, 4, 2, 2).numpy()
        videos[:, 2 * NT_COND - 1 :] = samples[:, 1]
        if other:  # in between, nothing is like it
            videos[:, 2 * NT_COND - 1 :: 2] = 1 - samples[:, 1, ::2]
        report = measure_frame_rates(
            model, videos, NT_COND, euler_steps=(2,), num_samples=3, seed=4
        )
        assert report["rows"][0]["at_frame_times"]["psnr"] > 100
        assert (report["rows"][0]["between"]["psnr"] > 100) == (not other)


def test_scores_of_reconstructions(own_future):
    model, videos = own_future
    report = measure_frame_rates(model, videos, NT_COND, euler_steps=(2,), num_samples=1)
    row = report["rows"][0]
    frames = reconstruct_at_rate(model, videos[:, ::2], 2, 2)
    blend = (frames[:, :-2:2] + frames[:, 2::2]) / 2
    for name, expected, truth in (
        ("reconstructed_at_frame_times", frames[:, ::2], videos[:, ::2]),
        ("reconstructed_between", frames[:, 1::2], videos[:, 1::2]),
        ("blend_of_reconstructed", blend, videos[:, 1::2]),
    ):
        assert row[name]["psnr"] == pytest.approx(pooled_psnr(truth, expected), abs=1e-3)
    true_blend = (videos[:, :-2:2] + videos[:, 2::2]) / 2
    better = [
        pooled_psnr(videos[i, 1::2], frames[i, 1::2]) > pooled_psnr(videos[i, 1::2], true_blend[i])
        for i in range(3)
    ]
    assert row["reconstructed_better_than_blend_of_true"] == np.mean(better)
    better = [
        pooled_psnr(videos[i, 1::2], frames[i, 1::2]) > pooled_psnr(videos[i, 1::2], blend[i])
        for i in range(3)
    ]
    assert row["reconstructed_better_than_blend"] == np.mean(better)


def test_without_true_frames_in_between_they_are_not_judged(model, videos):
    report = measure_frame_rates(model, videos, NT_COND, rate=1, euler_steps=(4,), num_samples=2)
    assert report["blend_of_true_neighbours"] is None
    assert [row["euler_steps"] for row in report["rows"]] == [2, 4]
    assert all(row["between"] is None for row in report["rows"])
    assert all(row["reconstructed_between"] is None for row in report["rows"])
    trained, finer = (model.forecast(videos[:, :NT_COND], HORIZON, 2, 0, steps) for steps in (2, 4))
    assert report["rows"][1]["psnr_to_trained_steps"] == pytest.approx(
        pooled_psnr(trained.numpy(), finer.numpy()), abs=1e-3
    )


def test_what_cannot_be_judged_is_refused(model, videos):
    with pytest.raises(UserError, match="rate=3"):
        measure_frame_rates(model, videos, NT_COND, rate=3)
    with pytest.raises(UserError, match="none is left"):
        measure_frame_rates(model, videos, 7, rate=1)
