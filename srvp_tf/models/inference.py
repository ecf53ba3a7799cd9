"""The inference model: what the features of the observed frames say about the latents."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.models.configured_layer import SeededLayer
from srvp_tf.models.distributions import gaussian
from srvp_tf.models.perceptrons import LSTM, MLP, Affine


class InitialStatePosterior(SeededLayer):
    """q(y_1 | x_1..k): features [B, k, nhx] of k = nt_inf frames -> elementwise [B, ny]."""

    def __init__(self, ny: int, hidden: int, num_layers: int, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.ny, self.hidden, self.num_layers = ny, hidden, num_layers
        self.head = self.part(MLP, "head", 2 * ny, hidden, num_layers)
        self.output_shape = None, ny  # of y_1: for `summary`

    def build(self, input_shape: tuple) -> None:
        _, num_frames, width = input_shape
        self.head.build((None, num_frames * width))

    def call(self, features: tf.Tensor) -> tfd.Distribution:
        _, num_frames, width = features.shape
        concatenated = keras.ops.reshape(features, (-1, num_frames * width))
        return gaussian(self.head(concatenated))


class LatentPosterior(SeededLayer):
    """q(z_t | x_1..t), t = 2..T: features [B, T, nhx] -> elementwise [B, T - 1, nz].

    The LSTM reads the first frame too; only its output there is unused. Of a model with actions it
    reads with each frame the scaled action that led to it, [B, T - 1, A], zeros with the first.
    """

    def __init__(self, nz: int, units: int, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.nz, self.units = nz, units
        self.lstm = self.part(LSTM, "lstm", units)
        self.head = self.part(Affine, "head", 2 * nz)
        self.output_shape = None, None, nz  # of z: for `summary`

    def build(self, input_shape: tuple) -> None:
        self.lstm.build(input_shape)
        self.head.build((None, None, self.units))

    def call(self, features: tf.Tensor, actions: tf.Tensor | None = None) -> tfd.Distribution:
        return gaussian(self.head(self.memories(features, actions)[0][:, 1:]))

    def memories(
        self, features: tf.Tensor, actions: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(Outputs, cells) of the LSTM after each of the frames, each [B, T, units]."""
        if actions is not None:
            actions = tf.pad(actions, [[0, 0], [1, 0], [0, 0]])
            features = tf.concat([features, actions], axis=-1)
        return self.lstm.states(features)

    def step(
        self,
        features: tf.Tensor,
        memory: tuple[tf.Tensor, tf.Tensor],
        action: tf.Tensor | None = None,
    ) -> tuple[tfd.Distribution, tuple[tf.Tensor, tf.Tensor]]:
        """One more frame: h [B, nhx], (output, cell) before -> (q(z) [B, nz], those after)."""
        if action is not None:
            features = tf.concat([features, action], axis=-1)
        memory = self.lstm.step(self.lstm.project(features), memory)
        return gaussian(self.head(memory[0])), memory
