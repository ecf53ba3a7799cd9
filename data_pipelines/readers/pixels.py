"""Small conversions and the size limit that all readers of frames share."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError

MAX_PIXELS = 1 << 26
"""Of one frame: 8192 x 8192. A header that asks for more is broken or meant to fill the memory."""

# At a time, where frames are computed with in wider numbers.
_ROW_VALUES = 1 << 22


def require_sane_size(path: Path, width: int, height: int) -> None:
    """Raise `DataError` unless a frame has 1 to `MAX_PIXELS` pixels; call before decoding it."""
    if width < 1 or height < 1:
        raise DataError(f"{path}: frames have no size ({width} x {height}); the header is broken.")
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path}: frames of {width} x {height} pixels, more than {MAX_PIXELS:,}; the header is "
            "broken, or scale the video down."
        )


def on_white(frame: np.ndarray) -> np.ndarray:
    """Lay RGBA on white, as viewers do: uint8 [H, W, 4] -> uint8 [H, W, 3]."""
    result = np.empty((*frame.shape[:2], 3), np.uint8)
    for rows in row_blocks(frame):
        alpha = frame[rows, ..., 3:].astype(np.uint16)
        mixed = frame[rows, ..., :3] * alpha + 255 * (255 - alpha)
        result[rows] = (mixed + 127) // 255
    return result


def row_blocks(frame: np.ndarray) -> Iterator[slice]:
    """Rows of a frame [H, ...], some at a time: a large one in wider numbers fills the memory."""
    height = len(frame)
    step = max(1, _ROW_VALUES * height // max(1, frame.size))
    return (slice(first, first + step) for first in range(0, height, step))
