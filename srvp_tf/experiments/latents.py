"""What the experiments do with latents that `SRVP.forecast` does not: read, exchange, decode."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.forecasting.sampling import frames_per_chunk
from srvp_tf.models.forecast_arguments import check_frames
from srvp_tf.models.outputs import Inference
from srvp_tf.models.srvp import SRVP
from srvp_tf.models.video_model import VideoModel


def infer(model: VideoModel, frames: tf.Tensor | np.ndarray) -> Any:
    """What videos [B, T, H, W, C], uint8 or float in [0, 1], tell; `UserError` on others.

    Of an `SRVP` it is an `Inference`.
    """
    frames = tf.convert_to_tensor(frames)
    if model.config.action_size:
        raise UserError("a model with actions has no experiments: use forecast")
    if frames.shape.rank != 5:
        raise UserError(f"videos have shape {tuple(frames.shape)}; give [B, T, H, W, C]")
    check_frames(frames, model.config)
    return model.infer_frames(frames)


def check_pairs(**videos: tf.Tensor | np.ndarray) -> None:
    """Raise `UserError` unless there are as many videos under each name."""
    counts = {name: len(batch) for name, batch in videos.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise UserError(f"the videos do not make pairs ({found}): give equally many of each")


def decode_states(model: SRVP, inferred: Inference, states: tf.Tensor) -> np.ndarray:
    """Frames of states [B, S, K, ny] -> NumPy [B, S, K, H, W, C] in (0, 1), in bounded pieces."""
    batch, num_samples, length, _ = states.shape
    at_once = max(frames_per_chunk(model) // (batch * num_samples), 1)
    pieces = [
        model.decode_samples(inferred, states[:, :, first : first + at_once]).numpy()
        for first in range(0, length, at_once)
    ]
    return np.concatenate(pieces, axis=2)


def video_batches(
    model: SRVP, num_videos: int, num_frames: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (slice, numbers int32 [B]) of as many videos as may be encoded and decoded at once.

    Args:
        num_videos: of all.
        num_frames: encoded and decoded ones of each video.
    """
    size = max(frames_per_chunk(model) // num_frames, 1)
    numbers = np.arange(num_videos, dtype=np.int32)
    for first in range(0, num_videos, size):
        part = slice(first, first + size)
        yield part, numbers[part]
