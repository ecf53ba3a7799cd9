"""Float frames lie in [0, 1]: what does not is refused, in one line."""

from typing import TYPE_CHECKING

import numpy as np

from srvp_tf.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

_ROUNDING = 1e-3  # how far resizing in floats may have led out of [0, 1]


def check_unit_range(frames: "np.ndarray | tf.Tensor", name: str = "float frames") -> None:
    """Raise `UserError` if frames are floats of which one is not in [0, 1], but for rounding.

    Args:
      frames: of any shape; whole numbers pass.
      name: what to call it.
    """
    frames = np.asarray(frames)
    if frames.size == 0 or np.issubdtype(frames.dtype, np.integer):
        return
    low, high = float(frames.min()), float(frames.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise UserError(f"{name} range from {low:g} to {high:g}; give them in [0, 1], or as uint8")
