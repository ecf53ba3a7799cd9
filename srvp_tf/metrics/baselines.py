"""Predictions that need no model, and the pooled PSNR to compare them on.

A model that has learnt anything beats these three. They are compared on the squared error pooled
over all test videos, as the per-video PSNR of a copied still frame is infinite.
"""

from collections.abc import Iterable

import numpy as np


def last_frame(videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Repeats the last conditioning frame: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C].

    Like the other two baselines it returns a read-only view that holds one frame per video.

    Raises:
      ValueError: `videos` is not a float [B, T, H, W, C], or not 1 <= nt_cond < T.
    """
    videos = _checked_videos(videos, nt_cond)
    return _repeated(videos[:, nt_cond - 1], videos, nt_cond)


def conditioning_mean(videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Repeats the mean conditioning frame: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C].

    Raises:
      ValueError: as `last_frame`.
    """
    videos = _checked_videos(videos, nt_cond)
    mean = videos[:, :nt_cond].mean(axis=1, dtype=np.float64).astype(videos.dtype)
    return _repeated(mean, videos, nt_cond)


def training_mean(videos: np.ndarray, nt_cond: int, frame: np.ndarray) -> np.ndarray:
    """Repeats the mean frame of the training set: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C].

    Args:
      videos: float, only its shape is used.
      nt_cond: number of conditioning frames.
      frame: [H, W, C] in [0, 1], the `mean_frame` of the training set.

    Raises:
      ValueError: as `last_frame`, or `frame` has another shape than the videos' frames.
    """
    videos = _checked_videos(videos, nt_cond)
    frame = np.asarray(frame, videos.dtype)
    if frame.shape != videos.shape[2:]:
        raise ValueError(f"mean frame {frame.shape} does not fit frames {videos.shape[2:]}")
    return _repeated(frame[None], videos, nt_cond)


def mean_frame(batches: Iterable[np.ndarray]) -> np.ndarray:
    """Mean over all frames of all videos: batches of [B, T, H, W, C] -> float64 [H, W, C].

    Raises:
      ValueError: there are no batches.
    """
    total, frames = None, 0
    for batch in batches:
        batch = np.asarray(batch)
        batch_sum = batch.sum(axis=(0, 1), dtype=np.float64)
        total = batch_sum if total is None else total + batch_sum
        frames += batch.shape[0] * batch.shape[1]
    if frames == 0:
        raise ValueError("the mean frame of no videos is undefined")
    return total / frames


class PooledPSNR:
    """10 log10(1 / mse) with ONE mse over every pixel given, accumulated in float64."""

    def __init__(self):
        self._squared_error, self._count = 0.0, 0

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Takes frames of one shape [..., H, W, C] in [0, 1]; predictions are clamped to [0, 1].

        Raises:
          ValueError: the shapes differ, or an array is not floating point.
        """
        target, prediction = np.asarray(target), np.asarray(prediction)
        if target.shape != prediction.shape:
            raise ValueError(f"target {target.shape} and prediction {prediction.shape} differ")
        for frames in (target, prediction):
            _require_float(frames)
        error = np.subtract(np.clip(prediction, 0.0, 1.0), target, dtype=np.float64)
        self._squared_error += float(np.vdot(error, error))
        self._count += error.size

    def result(self) -> float:
        """The PSNR in dB, +inf if nothing differed; ValueError before any pixel was given."""
        if self._count == 0:
            raise ValueError("the PSNR of no frames is undefined")
        if self._squared_error == 0.0:
            return float("inf")
        return float(-10.0 * np.log10(self._squared_error / self._count))


def pooled_psnr(target: np.ndarray, prediction: np.ndarray) -> float:
    """10 log10(1 / mse), mse over all test videos at once: two [..., H, W, C] in [0, 1] -> dB.

    Raises:
      ValueError: as `PooledPSNR.update`, or the arrays are empty.
    """
    pooled = PooledPSNR()
    pooled.update(target, prediction)
    return pooled.result()


def _repeated(frames: np.ndarray, videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Frames [B or 1, H, W, C] -> a read-only view [B, T - nt_cond, H, W, C]."""
    batch, length, *size = videos.shape
    return np.broadcast_to(frames[:, None], (batch, length - nt_cond, *size))


def _checked_videos(videos: np.ndarray, nt_cond: int) -> np.ndarray:
    videos = np.asarray(videos)
    if videos.ndim != 5:
        raise ValueError(f"videos must be [B, T, H, W, C], got shape {videos.shape}")
    _require_float(videos)
    if not 1 <= nt_cond < videos.shape[1]:
        raise ValueError(f"nt_cond must be in 1..{videos.shape[1] - 1}, got {nt_cond}")
    return videos


def _require_float(frames: np.ndarray) -> None:
    if not np.issubdtype(frames.dtype, np.floating):
        raise ValueError(
            f"frames must be floats in [0, 1], got {frames.dtype}; divide by 255 first"
        )
