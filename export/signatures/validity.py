"""Which examples of a batch are valid: one that is not is flagged and touches no other."""

import tensorflow as tf

RANGE_TOLERANCE = 1e-3
"""How far resizing in floats may have led out of [0, 1]: as `SRVP.forecast` has it."""

_FRAMES = ("frames", "frame")


def checked(inputs: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Inputs name -> [B, ...] with zeros in the place of invalid examples, and valid: bool [B].

    Frames must lie in [0, 1], give or take `RANGE_TOLERANCE`; all else must be finite.
    """
    valid = tf.reduce_all(
        tf.stack(
            [
                tf.reduce_all(_usable(name, value), axis=list(range(1, value.shape.rank)))
                for name, value in inputs.items()
            ]
        ),
        axis=0,
    )
    return {name: where_valid(valid, value) for name, value in inputs.items()}, valid


def checked_padded(
    inputs: dict[str, tf.Tensor], least: int
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """`checked` of frames [B, T, H, W, C], of which num_frames [B] count, `least` or more.

    The frames beyond may hold anything, and become zeros, as do actions of later intervals than
    are predicted. A number out of range is not valid.
    """
    frames, num_frames = inputs["frames"], inputs["num_frames"]
    most = frames.shape[1]
    known = tf.clip_by_value(num_frames, least, most)
    counts = tf.sequence_mask(known, most)[:, :, None, None, None]
    given = {"frames": tf.where(counts, frames, tf.zeros_like(frames))}
    if (actions := inputs.get("actions")) is not None:  # of a horizon after the frames that count
        horizon = actions.shape[1] - (most - 1)
        counts = tf.sequence_mask(known - 1 + horizon, actions.shape[1])[:, :, None]
        given["actions"] = tf.where(counts, actions, tf.zeros_like(actions))
    inputs, valid = checked(given)
    return inputs | {"num_frames": known}, tf.logical_and(valid, known == num_frames)


def finite_too(valid: tf.Tensor, outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """valid [B] -> the same, false where a float of outputs, name -> [B, ...], is not finite."""
    for value in outputs.values():
        if value.dtype.is_floating:
            valid &= tf.reduce_all(_is_finite(value), axis=list(range(1, value.shape.rank)))
    return valid


def where_valid(valid: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """`value` [B, ...] with zeros (empty strings) in the place of examples not valid [B]."""
    mask = tf.reshape(valid, [-1] + [1] * (value.shape.rank - 1))
    return tf.where(mask, value, tf.zeros_like(value))


def _usable(name: str, value: tf.Tensor) -> tf.Tensor:
    # Comparisons with NaN are false.
    if name in _FRAMES:
        return tf.logical_and(value >= -RANGE_TOLERANCE, value <= 1.0 + RANGE_TOLERANCE)
    return _is_finite(value)


def _is_finite(value: tf.Tensor) -> tf.Tensor:
    return tf.abs(value) <= value.dtype.max
