"""The content variable w: what does not move."""

import tensorflow as tf

from srvp_tf.models.configured_layer import SeededLayer
from srvp_tf.models.perceptrons import Affine


class Content(SeededLayer):
    """w = tanh(A sum_i relu(B h_i)): features [B, n, nhx] of n frames -> w [B, units].

    The sum makes w invariant to the order of the frames (section 3.2 of the paper).
    """

    def __init__(self, units: int, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.units = units
        self.frame_map = self.part(Affine, "frame_map", units)
        self.video_map = self.part(Affine, "video_map", units)
        self.output_shape = None, units  # of w: for `summary`

    def build(self, input_shape: tuple) -> None:
        self.frame_map.build(input_shape)
        self.video_map.build((None, self.units))

    def call(self, features: tf.Tensor) -> tf.Tensor:
        per_frame = tf.nn.relu(self.frame_map(features))
        return tf.tanh(self.video_map(tf.reduce_sum(per_frame, axis=1)))
