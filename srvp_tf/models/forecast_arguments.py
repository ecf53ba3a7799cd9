"""The arguments of `SRVP.forecast`, checked: each fault is one line that says what to give."""

import operator
from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.unit_range import check_unit_range

_LIMITS = {"seed": 2**63 - 1}  # of the others: what TensorFlow takes for sizes and counts


def as_tensor(frames: object, name: str = "frames") -> tf.Tensor:
    """Frames as a tensor: also lists of uint8 arrays, for which TensorFlow would take int32.

    Raises:
        UserError: they are no numbers, or of different shapes.
    """
    try:
        if isinstance(frames, (list, tuple)):
            return tf.stack([as_tensor(part, name) for part in frames])
        return tf.convert_to_tensor(frames if tf.is_tensor(frames) else np.asarray(frames))
    except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{name} cannot be made one tensor: give an array, or a list of arrays of one shape"
        ) from None


def check_frames(frames: tf.Tensor, config: ModelConfig) -> None:
    """Raise `UserError` unless frames [B, T, H, W, C] are what a model of `config` takes."""
    if frames.shape.rank is None or frames.shape.rank == 5 and frames.shape[1] is None:
        raise UserError(
            "how many frames there are is not known in this graph: give frames of known T, with "
            "tf.ensure_shape or in the input_signature"
        )
    expected = [None, None, config.frame_size, config.frame_size, config.channels]
    if not frames.shape.is_compatible_with(expected):
        raise UserError(
            f"frames have shape {tuple(frames.shape)}; this model takes "
            f"[B, T, {config.frame_size}, {config.frame_size}, {config.channels}]"
        )
    if frames.dtype != tf.uint8 and not frames.dtype.is_floating:
        raise UserError(f"frames are {frames.dtype.name}; give uint8, or floats in [0, 1]")
    if frames.shape[0] == 0:
        raise UserError("there are no videos in this batch; give one or more")
    if frames.shape[1] < config.nt_inf:
        raise UserError(
            f"{frames.shape[1]} frames given; this model needs {config.nt_inf} or more (nt_inf)"
        )
    # Within a graph the values are not known yet.
    if tf.executing_eagerly():
        check_unit_range(frames)


def check_actions(
    actions: object,
    frames: tf.Tensor,
    config: ModelConfig,
    horizon: int = 0,
    num_samples: int = 0,
) -> tf.Tensor | None:
    """The actions of T frames [B, T, ...] and so many more as a tensor, None for a model without.

    Args:
        actions: [B, T - 1 + horizon, A]; or [B, num_samples, T - 1 + horizon, A], with one past.
        num_samples: 0: there are no plans by sample.

    Raises:
        UserError: there are none for a model that takes them, or some for another; another shape
            or type; and, unless in a graph, pasts that differ or numbers that are not finite.
    """
    size, (batch, num_frames) = config.action_size, frames.shape[:2]
    num_intervals = num_frames - 1 + horizon
    if actions is None:
        if size:
            raise UserError(
                f"this model takes actions: give actions=[B, {num_intervals}, {size}], one row for "
                "each interval between frames"
            )
        return None
    if not size:
        raise UserError("actions were given to a model that takes none (action_size=0)")
    actions = as_tensor(actions, "actions")
    if not (actions.dtype.is_floating or actions.dtype.is_integer):
        raise UserError(f"actions are {actions.dtype.name}: give numbers")
    shapes = [[batch, num_intervals, size]]
    if num_samples:
        shapes.append([batch, num_samples, num_intervals, size])
    if not any(actions.shape.is_compatible_with(shape) for shape in shapes):
        plans = f" or [B, {num_samples}, {num_intervals}, {size}]" if num_samples else ""
        raise UserError(
            f"actions have shape {tuple(actions.shape)}; this model takes [B, {num_intervals}, "
            f"{size}]{plans} for these {batch} videos, one row for each interval between frames"
        )
    actions = tf.cast(actions, tf.float64 if actions.dtype == tf.float64 else tf.float32)
    if tf.executing_eagerly():
        if not np.isfinite(actions).all():
            raise UserError("actions have values that are not finite numbers: correct them")
        past = actions[..., : num_frames - 1, :]
        if actions.shape.rank == 4 and not np.array_equal(past, past[:, :1] + 0 * past):
            raise UserError(
                "the plans of a video differ before its last frame: what was done is one thing, "
                f"give the same first {num_frames - 1} rows in all"
            )
    return actions


def check_arguments(
    horizon: int, num_samples: int, euler_steps: int, frames_per_step: int, seed: int | tf.Tensor
) -> tuple[int, int, int, int, int | tf.Tensor]:
    """The numbers as integers, the seed as it is if a tensor; raises `UserError` for others."""
    counts = {
        "horizon": horizon,
        "num_samples": num_samples,
        "euler_steps": euler_steps,
        "frames_per_step": frames_per_step,
    }
    counts = {name: _integer(name, value) for name, value in counts.items()}
    for name, value in counts.items():
        if value < 1:
            raise UserError(f"{name}={value}; give 1 or more")
    if counts["euler_steps"] % counts["frames_per_step"]:
        raise UserError(
            f"frames_per_step={frames_per_step} does not divide euler_steps={euler_steps}"
        )
    return *counts.values(), seed if tf.is_tensor(seed) else _integer("seed", seed)


def check_video_ids(
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None, frames: tf.Tensor | np.ndarray
) -> tf.Tensor:
    """Ids of videos [B], None: 0..B-1; raises `UserError` unless there is one for each."""
    if video_ids is None:
        return tf.range(tf.shape(frames)[0])
    video_ids = tf.convert_to_tensor(video_ids)
    if not video_ids.shape.is_compatible_with(frames.shape[:1]):
        raise UserError(
            f"video_ids has shape {tuple(video_ids.shape)}; give one for each of the "
            f"{frames.shape[0]} videos"
        )
    return video_ids


def _integer(name: str, value: SupportsIndex):
    try:
        number = operator.index(value)
    except TypeError:
        raise UserError(f"{name}={value!r}; give a whole number") from None
    limit = _LIMITS.get(name, 2**31 - 1)
    if abs(number) > limit:
        raise UserError(f"{name}={number} is out of range; the limit is {limit}")
    return number
