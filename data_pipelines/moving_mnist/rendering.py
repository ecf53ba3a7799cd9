"""Moving MNIST's frames, drawn in TensorFlow by copying long runs of bytes.

Write a digit's rows into one string of bytes, each row as long as the FRAME's and empty behind the
digit, with emptiness before and after. Then every frame that shows this digit alone is a window of
that string: moving the window back by one byte moves the digit one pixel to the right, by a row's
length one pixel down. So a frame costs one copy per digit, whatever the digit's place.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class Renderer:
    """Draws frames of a fixed set of digits.

    The digits are kept as rows of the frame's width: digit_size * frame_size bytes each, 1.8 kB at
    28 and 64 pixels.
    """

    def __init__(self, digits: np.ndarray, frame_size: int):
        """Keep the digits, uint8 [N, h, h] with h <= frame_size."""
        num_digits, digit_size, _ = digits.shape
        extent = frame_size - digit_size
        rows = np.pad(digits, ((0, 0), (0, 0), (0, extent))).reshape(num_digits, -1)
        self.frame_size = frame_size
        self.num_pictures = num_digits
        self._rows = tf.constant([row.tobytes() for row in rows])
        self._before = bytes(extent * frame_size + extent)
        self._after = bytes(extent * frame_size)

    def __call__(self, pictures: tf.Tensor, corners: tf.Tensor) -> tf.Tensor:
        """Draw clips: the digits' sum, clipped at 255.

        Args:
            pictures: int32 [B, D], indices of digits.
            corners: int32 [B, T, D, 2], rows and columns of their upper left corners.

        Returns:
            uint8 [B, T, frame_size, frame_size, 1].
        """
        num_clips, length, num_digits, _ = corners.shape
        strips = tf.strings.join([self._before, tf.gather(self._rows, pictures), self._after])
        strips = tf.unstack(strips, num_digits, axis=1)
        shifts = corners[..., 0] * self.frame_size + corners[..., 1]
        windows = len(self._before) - tf.transpose(shifts, (1, 2, 0))
        frames = tf.stack([self._frame(strips, windows[t]) for t in range(length)], axis=1)
        return tf.reshape(frames, (num_clips, length, self.frame_size, self.frame_size, 1))

    def _frame(self, strips: Sequence[tf.Tensor], windows: tf.Tensor) -> tf.Tensor:
        """Draw one frame of every clip, uint8 [B, pixels]; windows is int32 [D, B]."""
        size = tf.fill(tf.shape(windows)[1:], self.frame_size**2)
        frame = None
        for digit, strip in enumerate(strips):
            alone = tf.io.decode_raw(tf.strings.substr(strip, windows[digit], size), tf.uint8)
            frame = alone if frame is None else _saturated_sum(frame, alone)
        return frame


def _saturated_sum(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """min(a + b, 255) of bytes, without a wider type."""
    return a + tf.minimum(b, tf.bitwise.invert(a))
