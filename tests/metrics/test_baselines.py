"""The baselines that need no model, on numbers one can check by hand."""

import numpy as np
import pytest

from srvp_tf.metrics import baselines


@pytest.fixture
def videos():
    return np.random.default_rng(0).random((3, 6, 4, 5, 2), np.float32)


def test_last_frame_repeats_the_last_conditioning_frame(videos):
    predictions = baselines.last_frame(videos, nt_cond=2)
    assert predictions.shape == (3, 4, 4, 5, 2) and predictions.dtype == np.float32
    for step in range(4):
        np.testing.assert_array_equal(predictions[:, step], videos[:, 1])


def test_conditioning_mean_repeats_the_mean_of_the_given_frames(videos):
    predictions = baselines.conditioning_mean(videos, nt_cond=2)
    expected = (videos[:, 0].astype(np.float64) + videos[:, 1]) / 2
    for step in range(4):
        np.testing.assert_allclose(predictions[:, step], expected, rtol=1e-6)


def test_training_mean_is_the_mean_over_all_training_frames(videos):
    frame = baselines.mean_frame([videos[:2], videos[2:]])
    np.testing.assert_allclose(frame, videos.astype(np.float64).mean(axis=(0, 1)), rtol=1e-12)
    predictions = baselines.training_mean(videos, 5, frame)
    assert predictions.shape == (3, 1, 4, 5, 2)
    np.testing.assert_array_equal(predictions[2, 0], frame.astype(np.float32))


def test_pooled_psnr_pools_the_error_before_the_logarithm():
    target = np.zeros((2, 1, 8, 8, 1))
    prediction = np.zeros_like(target)
    prediction[1] = 0.1  # mse 0 and 0.01: pooled 0.005, although video 0 alone is infinite
    expected = 10 * np.log10(1 / 0.005)
    assert baselines.pooled_psnr(target, prediction) == pytest.approx(expected, rel=1e-12)


def test_batches_pool_to_the_same_value(videos):
    random = np.random.default_rng(1)
    predictions = (videos + 0.3 * random.standard_normal(videos.shape)).astype(np.float32)
    pooled = baselines.PooledPSNR()
    for video, prediction in zip(videos, predictions, strict=True):
        pooled.update(video, prediction)
    clamped = np.clip(predictions, 0, 1).astype(np.float64)
    expected = -10 * np.log10(np.mean((clamped - videos) ** 2))
    assert pooled.result() == pytest.approx(expected, rel=1e-12)
    assert baselines.pooled_psnr(videos, videos) == np.inf


def test_errors_name_what_is_wrong(videos):
    with pytest.raises(ValueError, match=r"nt_cond must be in 1..5, got 6"):
        baselines.last_frame(videos, 6)
    with pytest.raises(ValueError, match=r"must be \[B, T, H, W, C\]"):
        baselines.conditioning_mean(videos[0], 2)
    with pytest.raises(ValueError, match="divide by 255"):
        baselines.last_frame(videos.astype(np.uint8), 2)
    with pytest.raises(ValueError, match="does not fit frames"):
        baselines.training_mean(videos, 2, np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="differ"):
        baselines.pooled_psnr(videos, videos[:1])
    with pytest.raises(ValueError, match="no frames"):
        baselines.PooledPSNR().result()
    with pytest.raises(ValueError, match="no videos"):
        baselines.mean_frame([])
