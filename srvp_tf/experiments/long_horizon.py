"""Forecasts of thousands of frames: one piece at a time, the state carried over."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.experiments.latents import infer
from srvp_tf.forecasting.sampling import frames_per_chunk
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.video_model import VideoModel
from srvp_tf.video import to_uint8

CHUNK_LENGTH = 100  # frames; of which less fit into memory, less


class Chunk(NamedTuple):
    """Some successive predicted frames.

    first_frame: number of the first, counted from 0, the first predicted one.
    frames: float32 [B, S, K, H, W, C] in (0, 1); NaN where the state is no number any more.
    states: what stands for them in the model, see `Future.path`: float32 [B, S, K, d].
    """

    first_frame: int
    frames: np.ndarray
    states: np.ndarray


def forecast_in_chunks(
    model: VideoModel,
    observed: tf.Tensor | np.ndarray,
    horizon: int,
    *,
    chunk_length: int = CHUNK_LENGTH,
    num_samples: int = 1,
    seed: int = 0,
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None = None,
) -> Iterator[Chunk]:
    """`SRVP.forecast` in pieces: memory grows with the horizon by its noise alone.

    Args:
        observed: frames [B, T, H, W, C], uint8 or float in [0, 1].
        horizon: frames to predict.
        chunk_length: frames per piece; fewer if these would not fit into memory. The frames do not
            depend on it.
        num_samples, seed, video_ids: as in `SRVP.forecast`.

    Yields:
        `Chunk`s, which together are the forecast.

    Raises:
        UserError: as `SRVP.forecast`.
    """
    videos, samples = check_video_ids(video_ids, observed), tf.range(num_samples)
    inferred = infer(model, observed)
    num_observed, batch = observed.shape[1], len(observed)
    chunk_length = max(min(chunk_length, frames_per_chunk(model) // (batch * num_samples)), 1)

    noise = model.forecast_noise(seed, videos, samples, num_observed + horizon)
    eps = tf.cast(noise.z[:, :, num_observed - 1 :], model.dtype)
    state, go_on = model.start_samples(inferred, noise), tf.function(model.continue_samples)
    for first in range(0, horizon, chunk_length):
        part = eps[:, :, first : first + chunk_length]
        state, frames, path = go_on(inferred, state, part)
        yield Chunk(first, frames.numpy(), path.numpy())


def forecast_thinned(
    model: VideoModel,
    observed: tf.Tensor | np.ndarray,
    horizon: int,
    *,
    every: int = 1,
    **options,
) -> np.ndarray:
    """Every `every`-th frame of a long forecast, from the first: to be shown.

    Args:
        model, observed, horizon, options: as in `forecast_in_chunks`.
        every: frames from one that is kept to the next.

    Returns:
        uint8 [B, S, ceil(horizon / every), H, W, C]; white where the state is no number any more.
    """
    kept = []
    for chunk in forecast_in_chunks(model, observed, horizon, **options):
        frames = chunk.frames[:, :, -chunk.first_frame % every :: every]
        kept.append(to_uint8(np.nan_to_num(frames, nan=1.0)))
    return np.concatenate(kept, axis=2)
