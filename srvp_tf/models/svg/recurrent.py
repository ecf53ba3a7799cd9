"""SVG's recurrent networks: an affine map, LSTM cells one above the other, and heads."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.models.initializers import child_seed
from srvp_tf.models.perceptrons import LSTM, Affine

_STDDEV = 0.02  # of the initial kernels of affine maps
Memory = tuple[tuple[tf.Tensor, tf.Tensor], ...]
"""(output, cell) of each LSTM cell, [N, units] each."""


class _Recurrent(keras.layers.Layer):
    """x [N, D] and the `Memory` before -> what `head` makes of the last cell's output."""

    def __init__(
        self, size: int, units: int, num_layers: int = 1, seed: int | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        self.size, self.units, self.num_layers, self.seed = size, units, num_layers, seed
        self.embed = self._affine(units, "embed")
        self.cells = []
        for i in range(num_layers):
            cell_seed = child_seed(seed, f"lstm_{i}")
            cell = LSTM(units, seed=cell_seed, name=f"lstm_{i}", dtype=self.dtype_policy)
            # TensorFlow's checkpoints follow attributes; a list of Keras' hides its layers.
            setattr(self, f"lstm_{i}", cell)
            self.cells.append(cell)

    def _affine(self, units: int, name: str):
        own_seed = child_seed(self.seed, name)
        return Affine(units, seed=own_seed, stddev=_STDDEV, name=name, dtype=self.dtype_policy)

    @property
    def heads(self) -> list[Affine]:
        """The affine maps of the last cell's output."""
        raise NotImplementedError

    @property
    def output_shape(self) -> tuple:
        """Of what `head` gives: for `summary`."""
        return None, self.size

    def build(self, input_shape: tuple) -> None:
        self.embed.build(input_shape)
        for layer in (*self.cells, *self.heads):
            layer.build((None, self.units))

    def initial_memory(self, batch_size: int | tf.Tensor) -> Memory:
        """Zeros."""
        return tuple(cell.initial_state(batch_size) for cell in self.cells)

    def step(self, inputs: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, Memory]:
        """x [N, D] -> (output of the last cell [N, units], `Memory` after)."""
        h, after = self.embed(inputs), []
        for cell, state in zip(self.cells, memory, strict=True):
            after.append(cell.step(cell.project(h), state))
            h = after[-1][0]
        return h, tuple(after)

    def follow(self, inputs: tf.Tensor) -> tuple[tf.Tensor, list[Memory]]:
        """x [N, T, D] -> (outputs [N, T, units], the `Memory` after each); at first it is zeros."""
        outputs, memories = [], []
        memory = self.initial_memory(tf.shape(inputs)[0])
        for x in tf.unstack(inputs, axis=1):
            h, memory = self.step(x, memory)
            outputs.append(h)
            memories.append(memory)
        return tf.stack(outputs, axis=1), memories

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.head(self.follow(inputs)[0])

    def get_config(self) -> dict:
        names = ("size", "units", "num_layers", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


class FramePredictor(_Recurrent):
    """(h, z) of a frame interval -> features of its frame, in (-1, 1)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.output_map = self._affine(self.size, "output")

    @property
    def heads(self) -> list[Affine]:
        return [self.output_map]

    def head(self, h: tf.Tensor) -> tf.Tensor:
        """h [..., units] -> [..., size]."""
        return tf.tanh(self.output_map(h))


class GaussianLSTM(_Recurrent):
    """Features -> a diagonal Gaussian of z: the posterior, and the prior."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mean = self._affine(self.size, "mean")
        self.log_variance = self._affine(self.size, "log_variance")

    @property
    def heads(self) -> list[Affine]:
        return [self.mean, self.log_variance]

    def head(self, h: tf.Tensor) -> tfd.Normal:
        """h [..., units] -> elementwise, [..., size]."""
        return tfd.Normal(self.mean(h), tf.exp(0.5 * self.log_variance(h)))
