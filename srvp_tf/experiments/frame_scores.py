"""PSNR and SSIM of frames that come in batches of videos."""

import numpy as np

from srvp_tf.metrics.baselines import PooledPSNR
from srvp_tf.metrics.best_of import summarize
from srvp_tf.metrics.frame_metrics import ssim


class FrameScores:
    """Pooled PSNR and mean SSIM of predictions.

    The squared error is pooled over all pixels, as a video's own PSNR is infinite where nothing
    moves (`metrics.baselines`).
    """

    def __init__(self):
        self._pooled, self._ssim, self._errors = PooledPSNR(), [], []

    def update(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Take B more videos: both float32 [B, ..., H, W, C] in [0, 1]."""
        self._pooled.update(target, prediction)
        within = tuple(range(1, target.ndim))
        self._errors.append(np.square(target - prediction).mean(axis=within, dtype=np.float64))
        of_frames = ssim(target, prediction).numpy()
        self._ssim.append(of_frames.reshape(len(target), -1).mean(axis=1))

    @property
    def errors(self) -> np.ndarray:
        """Mean squared error of each video, float64 [N]."""
        return np.concatenate(self._errors)

    def summary(self) -> dict[str, float] | None:
        """`psnr` [dB], `ssim` and half its 95 % interval `ssim_ci95`; None before any video."""
        if not self._ssim:
            return None
        of_videos = summarize(np.concatenate(self._ssim))
        return {
            "psnr": self._pooled.result(),
            "ssim": of_videos.mean,
            "ssim_ci95": of_videos.ci95,
        }


def to_unit_floats(frames: np.ndarray) -> np.ndarray:
    """Frames in uint8, or floats in [0, 1] -> float32 in [0, 1]."""
    frames = np.asarray(frames)
    return frames / np.float32(255) if frames.dtype == np.uint8 else frames.astype(np.float32)
