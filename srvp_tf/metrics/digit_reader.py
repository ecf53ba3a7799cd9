"""A small network that reads the digits in a frame of Moving MNIST.

`digit_reader.npz` holds its weights, made by `python -m benchmarks.digit_reader`.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

WEIGHTS = Path(__file__).with_suffix(".npz")
NUM_DIGITS = 10
MAX_COUNT = 2
"""Of one class in a frame: two digits are read at most."""


class DigitReader(keras.Model):
    """Grey frames [N, H, W, 1] in [0, 1] -> log-probabilities [N, 10, 3].

    Entry [d, k] is that of seeing the digit d exactly k times. Convolutions and a maximum over
    positions: where a digit is does not matter, nor, much, the size of the frame.
    """

    def __init__(self):
        super().__init__(dtype="float32")
        conv = dict(activation="relu", padding="same", dtype="float32")
        self.convolutions = [
            keras.layers.Conv2D(16, 5, strides=2, **conv),
            keras.layers.Conv2D(32, 3, strides=2, **conv),
            keras.layers.Conv2D(64, 3, **conv),
            keras.layers.Conv2D(64, 3, strides=2, **conv),
            keras.layers.Conv2D(96, 3, **conv),
            keras.layers.Conv2D(96, 3, **conv),
        ]
        self.hidden = keras.layers.Dense(128, activation="relu", dtype="float32")
        self.head = keras.layers.Dense(NUM_DIGITS * (MAX_COUNT + 1), dtype="float32")

    def call(self, frames):
        """See the class."""
        features = frames
        for convolution in self.convolutions:
            features = convolution(features)
        pooled = tf.concat(
            [tf.reduce_max(features, axis=(1, 2)), tf.reduce_sum(features, axis=(1, 2)) / 64.0], -1
        )
        logits = self.head(self.hidden(pooled))
        return tf.nn.log_softmax(tf.reshape(logits, (-1, NUM_DIGITS, MAX_COUNT + 1)))


def load_digit_reader() -> DigitReader:
    """The reader with the weights that come with the package."""
    reader = DigitReader()
    reader(tf.zeros((1, 64, 64, 1)))
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        reader.set_weights([arrays[f"{i}"].astype(np.float32) for i in range(len(arrays.files))])
    reader.trainable = False
    return reader


def identity(reader: DigitReader, target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Whether the digits of predicted frames are still those of the video: 0 or 1 per frame.

    The digits of the video are read from all its true frames together, as they may overlap in
    some; those of a predicted frame from it alone. All counts must agree.

    Args:
        reader: the `DigitReader`.
        target: true frames [..., T, H, W, C] in [0, 1]; leading axes broadcast.
        prediction: predicted ones, clamped to [0, 1]; colour is read as its mean.

    Returns:
        float32 [..., T].
    """
    true_counts = tf.argmax(tf.reduce_sum(_read(reader, target), axis=-3), axis=-1)
    counts = tf.argmax(_read(reader, prediction), axis=-1)
    same = tf.reduce_all(counts == true_counts[..., tf.newaxis, :], axis=-1)
    return tf.cast(same, tf.float32)


def _read(reader, frames):
    """Frames [..., H, W, C] -> log-probabilities [..., 10, 3]."""
    shape = tf.shape(frames)
    grey = tf.reduce_mean(tf.clip_by_value(tf.cast(frames, tf.float32), 0.0, 1.0), -1, True)
    read = reader(tf.reshape(grey, tf.concat([[-1], tf.shape(grey)[-3:]], 0)))
    return tf.reshape(read, tf.concat([shape[:-3], (NUM_DIGITS, MAX_COUNT + 1)], 0))
