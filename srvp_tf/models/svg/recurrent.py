"""SVG's recurrent networks: an affine map, LSTM cells one above the other, and heads."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.models.configured_layer import SeededLayer
from srvp_tf.models.perceptrons import LSTM, Affine

_STDDEV = 0.02  # of the initial kernels of affine maps
Memory = tuple[tuple[tf.Tensor, tf.Tensor], ...]
"""(output, cell) of each LSTM cell, [N, units] each."""


class _Recurrent(SeededLayer):
    """x [N, D] and the `Memory` before -> what `head` makes of the last cell's output."""

    def __init__(
        self, size: int, units: int, num_layers: int = 1, seed: int | None = None, **kwargs
    ):
        super().__init__(seed, **kwargs)
        self.size, self.units, self.num_layers = size, units, num_layers
        self.embed = self._affine("embed", units)
        self.cells = []
        for i in range(num_layers):
            cell = self.part(LSTM, f"lstm_{i}", units)
            # TensorFlow's checkpoints follow attributes; a list of Keras' hides its layers.
            setattr(self, f"lstm_{i}", cell)
            self.cells.append(cell)
        self.heads = self._make_heads()
        self.output_shape = None, size  # of what `head` gives: for `summary`

    def _affine(self, name: str, units: int):
        return self.part(Affine, name, units, stddev=_STDDEV)

    def _make_heads(self) -> list[Affine]:
        """The affine maps of the last cell's output."""
        raise NotImplementedError

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


class FramePredictor(_Recurrent):
    """(h, z) of a frame interval -> features of its frame, in (-1, 1)."""

    def _make_heads(self) -> list[Affine]:
        self.output_map = self._affine("output", self.size)
        return [self.output_map]

    def head(self, h: tf.Tensor) -> tf.Tensor:
        """h [..., units] -> [..., size]."""
        return tf.tanh(self.output_map(h))


class GaussianLSTM(_Recurrent):
    """Features -> a diagonal Gaussian of z: the posterior, and the prior."""

    def _make_heads(self) -> list[Affine]:
        self.mean = self._affine("mean", self.size)
        self.log_variance = self._affine("log_variance", self.size)
        return [self.mean, self.log_variance]

    def head(self, h: tf.Tensor) -> tfd.Normal:
        """h [..., units] -> elementwise, [..., size]."""
        return tfd.Normal(self.mean(h), tf.exp(0.5 * self.log_variance(h)))
