"""Noise of a request, addressed by (seed, sample, frame): never by what it was batched with."""

import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.models import rng
from srvp_tf.models.noise import forecast_noise

_VIDEO = 0  # in the address of the noise: a request's place in its batch must not count


def draw_from_start(
    config: ModelConfig,
    seed: tf.Tensor | np.ndarray,
    num_frames: int,
    num_samples: int | None = None,
) -> dict[str, tf.Tensor]:
    """The noise of whole videos: that of `SRVP.forecast` with these seeds and video id 0.

    Args:
        seed: int64 [B].
        num_frames: T + F, observed and predicted frames.
        num_samples: S; None: sample 0, without an axis of samples.

    Returns:
        noise_y [B, S, ny] and noise_z [B, S, num_frames - 1, nz], by name.
    """
    videos = tf.zeros_like(seed) + _VIDEO
    noise = forecast_noise(config, seed, videos, tf.range(num_samples or 1), num_frames)
    if num_samples is None:
        return {"noise_y": noise.y_1[:, 0], "noise_z": noise.z[:, 0]}
    return {"noise_y": noise.y_1, "noise_z": noise.z}


def draw_at_frame(
    config: ModelConfig, seed: tf.Tensor | np.ndarray, frame_index: tf.Tensor | np.ndarray
) -> dict[str, tf.Tensor]:
    """The noise_z [B, nz] of `draw_from_start` for frames frame_index [B] of sample 0, by name."""
    purpose = rng.Purpose.PREDICT_LATENT
    size = config.noise_size
    noise_z = rng.normal(seed, purpose, size, example=_VIDEO, index=0, frame=frame_index)
    return {"noise_z": noise_z}
