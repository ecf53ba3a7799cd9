"""Brings frames of any size to the square ones of a model."""

import numpy as np

from data_pipelines.errors import DataError, require_at_least, require_one_of

FITS = ("crop", "letterbox", "stretch")

# ITU-R BT.601, as JPEG, FFmpeg and Pillow have it.
_LUMA = (0.299, 0.587, 0.114)
# Floats in memory at a time, 256 MiB of them: long videos are resized in pieces.
_CHUNK_VALUES = 1 << 26


def fit_frames(frames: np.ndarray, size: int, channels: int, fit: str = "crop") -> np.ndarray:
    """Make frames square, of `size` pixels, grey or coloured.

    Shrinking averages areas: every pixel of the source counts by its share in that of the result,
    so nothing aliases. Enlarging is bicubic. Both by TensorFlow, in floats that are rounded once:
    the same as exact arithmetic, where Pillow rounds between its two passes (7 % of the values of
    a 576-pixel video differ by 1) and takes 1.6 times as long. Frames that fit are left untouched.

    Args:
        frames: uint8 [T, H, W, 1 or 3].
        size: height and width of the result in pixels.
        channels: 1: colours become their luma (ITU-R 601); 3: grey is repeated.
        fit: "crop": the largest central square; "letterbox": all of the frame, with black
            bars; "stretch": all of it, out of proportion.

    Returns:
        uint8 [T, size, size, channels].

    Raises:
        DataError: for frames or options other than these.
    """
    frames = np.asarray(frames)
    require_at_least("size", size, 1)
    require_one_of("fit", fit, FITS)
    if channels not in (1, 3):
        raise DataError(f"channels is {channels!r}; give 1 or 3.")
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3):
        raise DataError(
            f"frames are {frames.dtype} {list(frames.shape)}; give uint8 [T, H, W, 1 or 3]."
        )
    if 0 in frames.shape:
        raise DataError(f"frames have shape {list(frames.shape)}; give one or more.")
    if fit == "crop":
        frames = _central_square(frames)
    height, width = frames.shape[1:3]
    inner = (size, size)
    if fit == "letterbox":
        inner = tuple(max(1, round(size * side / max(height, width))) for side in (height, width))
    if inner != (height, width) or channels < frames.shape[-1]:
        chunk = max(1, _CHUNK_VALUES // (max(height, size) * max(width, size) * 3))
        pieces = [frames[start : start + chunk] for start in range(0, len(frames), chunk)]
        frames = np.concatenate([_resized(piece, inner, channels) for piece in pieces])
    bars = [(size - side) // 2 for side in inner]
    padding = [(bar, size - side - bar) for bar, side in zip(bars, inner, strict=True)]
    frames = np.pad(frames, ((0, 0), *padding, (0, 0)))
    return np.repeat(frames, channels // frames.shape[-1], axis=-1)


def _central_square(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return frames[:, top : top + side, left : left + side]


def _resized(frames: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """uint8 [T, H, W, C] -> uint8 [T, *size, min(C, channels)]."""
    import tensorflow as tf

    # TensorFlow has these resizers for the CPU alone.
    with tf.device("/CPU:0"):
        shrunk = tuple(min(pair) for pair in zip(frames.shape[1:3], size, strict=True))
        result = tf.constant(frames)
        if shrunk != frames.shape[1:3]:
            result = tf.image.resize(result, shrunk, "area")
        # An axis that is shrunk and one that is enlarged each get their own filter.
        if size != shrunk:
            result = tf.image.resize(result, size, "bicubic")
        result = tf.cast(result, tf.float32)
        if channels < frames.shape[-1]:
            result = tf.reduce_sum(result * tf.constant(_LUMA), axis=-1, keepdims=True)
        return tf.cast(tf.round(tf.clip_by_value(result, 0, 255)), tf.uint8).numpy()
