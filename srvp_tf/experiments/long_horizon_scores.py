"""What becomes of a forecast after thousands of frames."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.experiments.frame_scores import FrameScores, to_unit_floats
from srvp_tf.experiments.long_horizon import CHUNK_LENGTH, Chunk, forecast_in_chunks
from srvp_tf.models.video_model import VideoModel


def measure_long_horizon(
    model: VideoModel,
    observed: np.ndarray,
    horizon: int,
    truth: np.ndarray | None = None,
    *,
    window: int = CHUNK_LENGTH,
    num_samples: int = 1,
    seed: int = 0,
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None = None,
) -> dict:
    """Forecast, and judge one window of frames after the other.

    Args:
        observed: frames [B, T, H, W, C], uint8 or float in [0, 1].
        horizon: frames to predict.
        truth: what followed [B, any number of frames, H, W, C]; None: not known.
        window: frames; fewer where these would not fit into memory.
        num_samples, seed, video_ids: as in `SRVP.forecast`.

    Returns:
        A dictionary: `finite_frames`, how many frames all samples of all videos have before one of
        them has a number that is not finite; `windows`, a list with for each:
        `first_frame`, `frames`; `finite`: the share of the states' and pixels' values;
        `largest_state`: max |y| of all samples; `median_state`: the median of theirs, which one
        that runs away does not move; `state_speed`: mean |y_{t+1} - y_t| (Euclidean);
        `brightness`, `motion`: mean pixel, and mean absolute difference of successive frames;
        `true_brightness`, `true_motion`, `score`, `last_frame_score`: where the truth reaches over
        the whole window, else None: scores of `FrameScores`, of all samples and of the last
        observed frame.
    """
    windows, finite_frames, before = [], None, None
    truth = None if truth is None else np.asarray(truth)[:, :horizon]
    last = to_unit_floats(observed)[:, -1:]
    addressed = {"num_samples": num_samples, "seed": seed, "video_ids": video_ids}
    for chunk in forecast_in_chunks(model, observed, horizon, chunk_length=window, **addressed):
        finite = _finite_frames(chunk)
        if finite_frames is None and not finite.all():
            finite_frames = chunk.first_frame + int(np.argmin(finite))
        windows.append(_window(chunk, before, truth, last))
        before = chunk.states[:, :, -1:]
    return {
        "horizon": horizon,
        "videos": len(observed),
        "samples": num_samples,
        "finite_frames": horizon if finite_frames is None else finite_frames,
        "windows": windows,
    }


def _finite_frames(chunk: Chunk) -> np.ndarray:
    """Whether all samples of all videos are finite in a frame [K]."""
    pixels = np.isfinite(chunk.frames).all(axis=(0, 1, 3, 4, 5))
    return pixels & np.isfinite(chunk.states).all(axis=(0, 1, 3))


def _window(
    chunk: Chunk, before: np.ndarray | None, truth: np.ndarray | None, last: np.ndarray
) -> dict:
    frames, states = chunk.frames, chunk.states
    path = states if before is None else np.concatenate([before, states], axis=2)
    values = frames.size + states.size
    with np.errstate(invalid="ignore", over="ignore"):
        window = {
            "first_frame": chunk.first_frame,
            "frames": frames.shape[2],
            "finite": float((np.isfinite(frames).sum() + np.isfinite(states).sum()) / values),
            "largest_state": float(np.abs(states).max()),
            "median_state": float(np.median(np.abs(states).max(axis=(2, 3)))),
            "state_speed": _mean(np.linalg.norm(np.diff(path, axis=2), axis=-1)),
            "brightness": _mean(frames),
            "motion": _mean(np.abs(np.diff(frames, axis=2))),
        }
    known = truth is not None and truth.shape[1] >= chunk.first_frame + frames.shape[2]
    names = ("true_brightness", "true_motion", "score", "last_frame_score")
    if not known or window["finite"] < 1:
        return window | dict.fromkeys(names)
    target = to_unit_floats(truth[:, chunk.first_frame :][:, : frames.shape[2]])
    scores = FrameScores(), FrameScores()
    scores[0].update(np.broadcast_to(target[:, None], frames.shape), frames)
    scores[1].update(target, np.broadcast_to(last, target.shape))
    found = _mean(target), _mean(np.abs(np.diff(target, axis=1)))
    return window | dict(zip(names, (*found, *(s.summary() for s in scores)), strict=True))


def _mean(values: np.ndarray) -> float:
    """Mean, 0 of nothing: a window of one frame has no motion."""
    return float(values.mean(dtype=np.float64)) if values.size else 0.0
