"""PSNR and SSIM against the authors' values and against a direct float64 computation."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate

from srvp_tf.metrics import frame_metrics
from srvp_tf.metrics.frame_metrics import psnr, ssim

# The filter sums 11 terms twice, each sum with an error of half an epsilon per term at most, and
# SSIM is a quotient of such sums: 22 epsilons at most. PSNR rounds less.
FLOAT32 = 22 * np.finfo(np.float32).eps
GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "metrics.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as values:
        return dict(values)


def direct_ssim(target, prediction):
    """SSIM of one frame [H, W, C] in float64: the textbook formula, a two-dimensional window."""
    offsets = np.arange(-5.0, 6.0)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(plane):
        return correlate(plane, window, mode="constant")[5:-5, 5:-5]

    scores = []
    for channel in range(target.shape[-1]):
        x = target[..., channel].astype(np.float64)
        y = np.clip(prediction[..., channel].astype(np.float64), 0, 1)
        mx, my = mean(x), mean(y)
        vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
        c1, c2 = 0.01**2, 0.03**2
        scores.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return np.mean(scores)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_equals_the_authors_values_for_all_samples_at_once(golden, metric):
    scores = {}
    for dtype in (np.float32, np.float64):
        target = golden["target"].astype(dtype)[:, None]  # [B, 1, T, H, W, C]
        samples = np.swapaxes(golden["samples"], 0, 1).astype(dtype)  # [B, N, T, H, W, C]
        found = tf.function(metric)(target, samples)
        assert found.dtype == dtype
        scores[dtype] = np.mean(found, axis=-1).T
    # Most of this is in the stored SSIM: an exact float64 computation is 1.87e-6 away from it.
    np.testing.assert_allclose(scores[np.float64], golden[metric.__name__], rtol=2e-6)
    np.testing.assert_allclose(scores[np.float32], scores[np.float64], rtol=FLOAT32)


@pytest.mark.parametrize("shape", [(64, 64, 1), (64, 64, 3), (20, 33, 3), (11, 11, 1)])
@pytest.mark.parametrize("noise", [0.5, 1e-3])
@pytest.mark.parametrize("background", [0.0, 1.0, None])
def test_ssim_in_float32_equals_a_direct_float64_computation(shape, noise, background):
    random = np.random.default_rng(0)
    target = random.random((2, *shape), np.float32)
    if background is not None:  # flat frames are where variances cancel
        target[:, 5:, 4:] = background
    prediction = (target + noise * random.standard_normal(target.shape)).astype(np.float32)
    expected = [direct_ssim(x, y) for x, y in zip(target, prediction, strict=True)]
    np.testing.assert_allclose(ssim(target, prediction), expected, rtol=FLOAT32, atol=FLOAT32)


def test_psnr_of_a_constant_error_per_channel():
    target = np.full((2, 8, 8, 2), 0.5)
    prediction = target + np.array([0.1, 0.01])  # 20 dB and 40 dB
    np.testing.assert_allclose(psnr(target, prediction), [30.0, 30.0], rtol=1e-12)


def test_predictions_are_clamped_and_targets_broadcast():
    random = np.random.default_rng(1)
    target = random.random((3, 1, 2, 16, 16, 1), np.float32)
    prediction = 3 * random.random((3, 4, 2, 16, 16, 1), np.float32) - 1
    for metric in (psnr, ssim):
        scores = metric(target, prediction).numpy()
        one_by_one = [metric(target[:, 0], np.clip(prediction[:, s], 0, 1)) for s in range(4)]
        np.testing.assert_allclose(scores, np.stack(one_by_one, axis=1), rtol=1e-6)


def test_an_exact_copy_scores_one_and_infinity():
    frames = np.random.default_rng(2).random((2, 16, 16, 3), np.float32)
    np.testing.assert_array_equal(ssim(frames, frames), [1.0, 1.0])
    np.testing.assert_array_equal(psnr(frames, frames), [np.inf, np.inf])


def test_unknown_leading_axes_trace_once():
    signature = tf.TensorSpec([None, None, None, 16, 16, 1], tf.float32)
    compiled = tf.function(ssim, input_signature=[signature, signature])
    random = np.random.default_rng(3)
    target = random.random((2, 1, 3, 16, 16, 1), np.float32)
    prediction = random.random((2, 5, 3, 16, 16, 1), np.float32)
    np.testing.assert_allclose(compiled(target, prediction), ssim(target, prediction), rtol=1e-6)


def test_products_avoid_tf32_where_a_gpu_would_use_it(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert frame_metrics._product_dtype(tf.float32) == tf.float64
    frames = np.random.default_rng(4).random((2, 16, 16, 1), np.float32)
    assert ssim(frames, frames[::-1]).dtype == tf.float32


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_rejects_frames_that_do_not_fit(metric):
    frames = np.zeros((2, 16, 16, 1), np.float32)
    with pytest.raises(ValueError, match="both be float32 or both float64, got target uint8"):
        metric(frames.astype(np.uint8), frames)
    with pytest.raises(ValueError, match=r"same static \[H, W, C\]"):
        metric(frames, frames[:, :15])


def test_ssim_rejects_frames_smaller_than_its_window():
    frames = np.zeros((1, 10, 16, 1), np.float32)
    with pytest.raises(ValueError, match="at least 11 x 11 pixels, got 10 x 16"):
        ssim(frames, frames)
