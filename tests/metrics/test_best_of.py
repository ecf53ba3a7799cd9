"""The best-of-N protocol: the authors' values, and the streaming form against the plain one."""

from pathlib import Path

import numpy as np
import pytest

from srvp_tf.metrics.best_of import RunningBest, best_of, summarize

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "metrics.npz"


@pytest.mark.parametrize("metric", ["psnr", "ssim"])
def test_equals_the_authors_values(metric):
    with np.load(GOLDEN, allow_pickle=False) as golden:
        values, indices = best_of(golden[metric], True)
        np.testing.assert_allclose(values, golden[f"best_{metric}"], rtol=2e-6)
        np.testing.assert_array_equal(indices, golden[metric].argmax(axis=0))
        summary = summarize(values)
        np.testing.assert_allclose(summary.mean, golden[f"best_{metric}_mean"], rtol=2e-6)
        np.testing.assert_allclose(summary.ci95, golden[f"best_{metric}_ci95"], rtol=2e-6)
        assert (summary.videos, summary.infinite) == (4, 0)


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("chunks", [[0, 5, 10, 12], list(range(13))])
@pytest.mark.parametrize("reverse", [False, True])
def test_chunks_in_any_order_equal_all_samples_at_once(higher_is_better, chunks, reverse):
    random = np.random.default_rng(0)
    scores = random.integers(0, 4, (7, 12)).astype(np.float32)  # few levels: many ties
    scores[random.random(scores.shape) < 0.2] = np.nan
    scores[0, :3] = [np.nan, np.inf, -np.inf]
    frames = random.integers(0, 256, (7, 12, 2, 3), np.uint8)
    running = RunningBest("score", higher_is_better)
    spans = list(zip(chunks, chunks[1:], strict=False))
    for start, end in reversed(spans) if reverse else spans:
        running.update(scores[:, start:end], start, payload=frames[:, start:end])

    highest, lowest = np.nanargmax(scores, axis=1), np.nanargmin(scores, axis=1)
    best, worst = (highest, lowest) if higher_is_better else (lowest, highest)
    videos = np.arange(7)
    for extreme, expected in ((running.best, best), (running.worst, worst)):
        np.testing.assert_array_equal(extreme.index, expected)
        np.testing.assert_array_equal(extreme.value, scores[videos, expected])
        np.testing.assert_array_equal(extreme.payload, frames[videos, expected])


def test_nan_yields_to_any_number_even_the_worst():
    values, indices = best_of(np.array([[np.nan], [-np.inf], [np.nan]]), higher_is_better=True)
    assert (values[0], indices[0]) == (-np.inf, 1)


def test_a_video_that_turns_out_well_late_is_no_error():
    running = RunningBest("lpips", higher_is_better=False)
    running.update([[np.nan, np.nan], [0.2, 0.1]])
    with pytest.raises(ValueError, match="lpips: every sample of video 0 is NaN"):
        _ = running.best
    running.update([[0.5, np.nan], [0.3, 0.3]], first_sample=2)
    np.testing.assert_array_equal(running.best.index, [2, 1])
    np.testing.assert_array_equal(running.worst.index, [2, 2])


def test_results_do_not_change_under_later_updates():
    running = RunningBest("psnr", higher_is_better=True)
    running.update([[1.0]], 0, payload=np.zeros((1, 1, 2)))
    before = running.best
    running.update([[2.0]], 1, payload=np.ones((1, 1, 2)))
    assert before.value == [1.0] and before.index == [0] and not before.payload.any()


def test_an_infinite_score_is_best_and_is_counted():
    values, _ = best_of(np.array([[20.0, np.inf], [30.0, 10.0]]), higher_is_better=True)
    summary = summarize(values)
    assert summary.mean == np.inf and np.isnan(summary.ci95) and summary.infinite == 1


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match=r"must be \[samples, videos\], got shape \(3,\)"):
        best_of(np.zeros(3), True)
    with pytest.raises(ValueError, match="the score of video 1 is NaN"):
        summarize(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="one number per video"):
        summarize(np.array([]))
    running = RunningBest("psnr", True)
    with pytest.raises(ValueError, match="psnr: no samples were given"):
        _ = running.best
    with pytest.raises(ValueError, match=r"must be \[videos, samples\], got \(2, 0\)"):
        running.update(np.zeros((2, 0)))
    running.update(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="psnr: 4 videos after 2"):
        running.update(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="payload with every chunk or with none"):
        running.update(np.zeros((2, 3)), 3, payload=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="does not fit scores"):
        RunningBest("psnr", True).update(np.zeros((2, 3)), payload=np.zeros((2, 4)))
