"""Predictions that need no model, and the pooled PSNR to compare them on.

A model that has learnt anything beats these three. They are compared on the squared error pooled
over all test videos, as the per-video PSNR of a copied still frame is infinite.
"""

from collections.abc import Iterable

import numpy as np


def last_frame(videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Repeats the last conditioning frame: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C].

    Like the other two baselines it takes 1 <= nt_cond < T, and returns a read-only view that holds
    one frame per video.
    """
    return _repeated(videos[:, nt_cond - 1], videos, nt_cond)


def conditioning_mean(videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Repeats the mean conditioning frame: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C]."""
    mean = videos[:, :nt_cond].mean(axis=1, dtype=np.float64).astype(videos.dtype)
    return _repeated(mean, videos, nt_cond)


def training_mean(videos: np.ndarray, nt_cond: int, frame: np.ndarray) -> np.ndarray:
    """Repeats the mean frame of the training set: [B, T, H, W, C] -> [B, T - nt_cond, H, W, C].

    `frame` [H, W, C] in [0, 1] is the `mean_frame` of the training set.
    """
    return _repeated(frame[None].astype(videos.dtype), videos, nt_cond)


def mean_frame(batches: Iterable[np.ndarray]) -> np.ndarray:
    """Mean over all frames of all videos: batches of [B, T, H, W, C] -> float64 [H, W, C]."""
    total, frames = 0.0, 0
    for batch in batches:
        total += batch.sum(axis=(0, 1), dtype=np.float64)
        frames += batch.shape[0] * batch.shape[1]
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
            if not np.issubdtype(frames.dtype, np.floating):
                raise ValueError(
                    f"frames must be floats in [0, 1], got {frames.dtype}; divide by 255 first"
                )
        error = np.subtract(np.clip(prediction, 0.0, 1.0), target, dtype=np.float64)
        self._squared_error += float(np.vdot(error, error))
        self._count += error.size

    def result(self) -> float:
        """The PSNR in dB, +inf if nothing differed; ZeroDivisionError without any pixel."""
        mean = self._squared_error / self._count
        return float(-10.0 * np.log10(mean)) if mean else float("inf")


def pooled_psnr(target: np.ndarray, prediction: np.ndarray) -> float:
    """10 log10(1 / mse), mse over all test videos at once: two [..., H, W, C] in [0, 1] -> dB.

    Raises:
      ValueError: as `PooledPSNR.update`.
    """
    pooled = PooledPSNR()
    pooled.update(target, prediction)
    return pooled.result()


def _repeated(frames: np.ndarray, videos: np.ndarray, nt_cond: int) -> np.ndarray:
    """Frames [B or 1, H, W, C] -> a read-only view [B, T - nt_cond, H, W, C]."""
    batch, length, *size = videos.shape
    return np.broadcast_to(frames[:, None], (batch, length - nt_cond, *size))
