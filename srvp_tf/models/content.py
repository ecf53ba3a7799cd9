"""The content variable w: what does not move."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import child_seed
from srvp_tf.models.perceptrons import Affine


class Content(keras.layers.Layer):
    """w = tanh(A sum_i relu(B h_i)): features [B, n, nhx] of n frames -> w [B, units].

    The sum makes w invariant to the order of the frames (section 3.2 of the paper).
    """

    def __init__(self, units: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.seed = seed
        self.frame_map = self._affine("frame_map")
        self.video_map = self._affine("video_map")

    def _affine(self, name: str):
        return Affine(
            self.units, seed=child_seed(self.seed, name), name=name, dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple) -> None:
        self.frame_map.build(input_shape)
        self.video_map.build((None, self.units))

    @property
    def output_shape(self) -> tuple:
        """Of w: for `summary`."""
        return None, self.units

    def call(self, features: tf.Tensor) -> tf.Tensor:
        per_frame = tf.nn.relu(self.frame_map(features))
        return tf.tanh(self.video_map(tf.reduce_sum(per_frame, axis=1)))

    def get_config(self) -> dict:
        return super().get_config() | {"units": self.units, "seed": self.seed}
