"""The inference model: what the features of the observed frames say about the latents."""

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from srvp_tf.models.distributions import gaussian
from srvp_tf.models.initializers import child_seed
from srvp_tf.models.perceptrons import LSTM, MLP, Affine

if TYPE_CHECKING:
    from tensorflow_probability import distributions as tfd


class InitialStatePosterior(keras.layers.Layer):
    """q(y_1 | x_1..k): features [B, k, nhx] of k = nt_inf frames -> elementwise [B, ny]."""

    def __init__(self, ny: int, hidden: int, num_layers: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self._config = {"ny": ny, "hidden": hidden, "num_layers": num_layers, "seed": seed}
        head_seed = child_seed(seed, "head")
        self.head = MLP(
            2 * ny, hidden, num_layers, seed=head_seed, name="head", dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple) -> None:
        _, num_frames, width = input_shape
        self.head.build((None, num_frames * width))

    @property
    def output_shape(self) -> tuple:
        """Of y_1: for `summary`."""
        return None, self._config["ny"]

    def call(self, features: tf.Tensor) -> "tfd.Distribution":
        _, num_frames, width = features.shape
        concatenated = keras.ops.reshape(features, (-1, num_frames * width))
        return gaussian(self.head(concatenated))

    def get_config(self) -> dict:
        return super().get_config() | self._config


class LatentPosterior(keras.layers.Layer):
    """q(z_t | x_1..t), t = 2..T: features [B, T, nhx] -> elementwise [B, T - 1, nz].

    The LSTM reads the first frame too; only its output there is unused. Of a model with actions it
    reads with each frame the scaled action that led to it, [B, T - 1, A], zeros with the first.
    """

    def __init__(self, nz: int, units: int, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self._config = {"nz": nz, "units": units, "seed": seed}
        self.lstm = LSTM(units, seed=child_seed(seed, "lstm"), name="lstm", dtype=self.dtype_policy)
        self.head = Affine(
            2 * nz, seed=child_seed(seed, "head"), name="head", dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple) -> None:
        self.lstm.build(input_shape)
        self.head.build((None, None, self._config["units"]))

    @property
    def output_shape(self) -> tuple:
        """Of z: for `summary`."""
        return None, None, self._config["nz"]

    def call(self, features: tf.Tensor, actions: tf.Tensor | None = None) -> "tfd.Distribution":
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
    ) -> "tuple[tfd.Distribution, tuple[tf.Tensor, tf.Tensor]]":
        """One more frame: h [B, nhx], (output, cell) before -> (q(z) [B, nz], those after)."""
        if action is not None:
            features = tf.concat([features, action], axis=-1)
        memory = self.lstm.step(self.lstm.project(features), memory)
        return gaussian(self.head(memory[0])), memory

    def get_config(self) -> dict:
        return super().get_config() | self._config
