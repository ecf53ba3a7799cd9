"""What training asks of a dataset of clips: checked before it starts, not when it crashes."""

import itertools
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.clips import ACTIONS, Clips, parts
from srvp_tf.models.unit_range import check_unit_range


def check_clips(
    name: str,
    dataset: tf.data.Dataset,
    batch_size: int | None,
    num_frames: tuple[int, int | None],
    config: ModelConfig,
) -> None:
    """Raise `UserError` unless a dataset has batches of clips that a model takes.

    Args:
        dataset: [B, T, H, W, C], uint8 or float, for a model with actions {"frames": these,
            "actions": float [B, T - 1, A]}. All sizes must be known in advance, except that of
            the batch if `batch_size` is None.
        batch_size: B; None: any.
        num_frames: (least, largest) T; None for the largest: no limit.
    """
    if not isinstance(dataset, tf.data.Dataset):
        raise UserError(f"the {name} is a {type(dataset).__name__}: give a tf.data.Dataset")
    (spec, given), c = parts(dataset.element_spec), config
    least, largest = num_frames
    expected = [batch_size, None, c.frame_size, c.frame_size, c.channels]
    if (
        isinstance(spec, tf.TensorSpec)
        and (spec.dtype == tf.uint8 or spec.dtype.is_floating)
        and spec.shape.is_compatible_with(expected)
        and spec.shape.rank == 5
        and (batch_size is None or spec.shape[0] is not None)
        and spec.shape[1:].is_fully_defined()
        and least <= spec.shape[1] <= (largest or spec.shape[1])
    ):
        _check_actions(name, given, spec.shape[:2], c.action_size)
        return
    batch = "B" if batch_size is None else batch_size
    frames = least if least == largest else f"T >= {least}"
    size = f"{c.frame_size}, {c.frame_size}, {c.channels}"
    raise UserError(
        f"the {name} holds {_describe(spec)}, this run takes clips [{batch}, {frames}, {size}], "
        "uint8 or float in [0, 1], of sizes known in advance (.batch(..., drop_remainder=True), "
        "tf.ensure_shape)"
    )


def _check_actions(name: str, given: dict, of_frames: tf.TensorShape, size: int):
    batch, num_frames = of_frames
    spec, known = given.get(ACTIONS), list(given) == [ACTIONS]
    if not given and not size:
        return
    expected = [batch, num_frames - 1, size]
    if known and size and spec.dtype.is_floating and spec.shape.is_compatible_with(expected):
        return
    found = ", ".join(f"{key}: {_describe(x)}" for key, x in given.items()) or "frames alone"
    wanted = f'"actions": float [B, {num_frames - 1}, {size}]' if size else "frames alone"
    raise UserError(f"the {name} holds {found}; with --action_size={size} give {wanted}")


def check_enough(name: str, dataset: tf.data.Dataset, needed: int) -> None:
    """Raise `UserError` if a dataset is known to hold fewer than `needed` batches."""
    found = int(dataset.cardinality())
    if 0 <= found < needed:
        raise UserError(
            f"the {name} has {found} batches left, {needed} are needed: add .repeat() to it"
        )


def check_ends(name: str, dataset: tf.data.Dataset) -> None:
    """Raise `UserError` if a dataset is known to be empty or endless."""
    found = int(dataset.cardinality())
    if found in (0, tf.data.INFINITE_CARDINALITY):
        fault = "is empty: give one batch or more" if found == 0 else "never ends: add .take(n)"
        raise UserError(f"the {name} {fault}")


def check_range(name: str, batches: Iterable[Clips] | tf.data.Dataset) -> None:
    """Raise `UserError` if floats of the first of some batches, tensors, are not in [0, 1].

    What is not finite is the step's to find: it is skipped and counted (`FaultCounter`).
    """
    for clips in itertools.islice(batches, 1):
        frames = np.asarray(parts(clips)[0])
        check_unit_range(frames[np.isfinite(frames)], f"floats of the {name}")


def _describe(spec: object):
    """`uint8 [4, None, 32, 32, 1]` for the elements of a dataset."""
    if not isinstance(spec, tf.TensorSpec):
        return f"{type(spec).__name__}s and not single tensors"
    sizes = "of unknown rank" if spec.shape.rank is None else list(spec.shape)
    return f"{spec.dtype.name} {sizes}"
