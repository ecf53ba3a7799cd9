"""Affine maps, perceptrons and the LSTM: everything of the model that is not a convolution."""

import tensorflow as tf

from srvp_tf.models.configured_layer import SeededLayer
from srvp_tf.models.initializers import child_seed, normal_kernel, orthogonal, uniform


class Affine(SeededLayer):
    """Affine map: x [..., D] -> [..., units].

    Kernel and bias ~ U(-1/sqrt(D), 1/sqrt(D)); with `orthogonal_gain` the kernel is orthogonal with
    that gain, with `stddev` it is normal with that deviation, and the bias 0.
    """

    def __init__(
        self,
        units: int,
        orthogonal_gain: float | None = None,
        seed: int | None = None,
        stddev: float | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        self.units, self.orthogonal_gain, self.stddev = units, orthogonal_gain, stddev

    def build(self, input_shape: tuple) -> None:
        fan_in = input_shape[-1]
        kernel_seed, bias_seed = (child_seed(self.seed, name) for name in ("kernel", "bias"))
        if self.stddev is not None:
            kernel, bias = normal_kernel(self.stddev, kernel_seed), "zeros"
        elif self.orthogonal_gain is not None:
            kernel, bias = orthogonal(self.orthogonal_gain, kernel_seed), "zeros"
        else:
            kernel, bias = uniform(fan_in, kernel_seed), uniform(fan_in, bias_seed)
        self.kernel = self.add_weight((fan_in, self.units), kernel, name="kernel")
        self.bias = self.add_weight((self.units,), bias, name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if inputs.shape.rank == 2:  # a tensordot would be many small operations more
            return tf.linalg.matmul(inputs, self.kernel) + self.bias
        # Not matmul: TensorFlow 2.21's is wrong for some operands of rank 4 on CPU (issue 117700).
        return tf.tensordot(inputs, self.kernel, 1) + self.bias


class MLP(SeededLayer):
    """Perceptron of `num_layers` affine maps with ReLU between them: x [..., D] -> [..., units]."""

    def __init__(
        self,
        units: int,
        hidden: int,
        num_layers: int,
        orthogonal_gain: float | None = None,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        self.units, self.hidden, self.num_layers = units, hidden, num_layers
        self.orthogonal_gain = orthogonal_gain
        widths = [hidden] * (num_layers - 1) + [units]
        self.layers = [
            self.part(Affine, f"layer_{i}", width, orthogonal_gain)
            for i, width in enumerate(widths)
        ]
        # TensorFlow's checkpoints follow attributes; a list of Keras' hides its layers from them.
        for i, layer in enumerate(self.layers):
            setattr(self, f"map_{i}", layer)

    def build(self, input_shape: tuple) -> None:
        width = input_shape[-1]
        for layer in self.layers:
            layer.build((None, width))
            width = layer.units

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            inputs = tf.nn.relu(layer(inputs))
        return last(inputs)


class LSTM(SeededLayer):
    """LSTM from a zero state: x [B, T, D] -> outputs [B, T, units]. Gates in the order i, f, g, o.

    It has two bias vectors, as PyTorch's does: they get equal gradients, so that under Adam their
    sum moves at twice the rate of one.
    """

    def __init__(self, units: int, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.units = units

    def build(self, input_shape: tuple) -> None:
        def weight(name: str, *shape):
            initial = uniform(self.units, child_seed(self.seed, name))
            return self.add_weight(shape, initial, name=name)

        self.kernel = weight("kernel", input_shape[-1], 4 * self.units)
        self.recurrent_kernel = weight("recurrent_kernel", self.units, 4 * self.units)
        self.bias = weight("bias", 4 * self.units)
        self.recurrent_bias = weight("recurrent_bias", 4 * self.units)

    def initial_state(self, batch_size: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Zeros (output, cell), each [batch_size, units]."""
        zeros = tf.zeros([batch_size, self.units], self.compute_dtype)
        return zeros, zeros

    def step(
        self, projected: tf.Tensor, state: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One step: projected input [B, 4 units] and state -> the next (output, cell)."""
        output, cell = state
        gates = projected + tf.linalg.matmul(output, self.recurrent_kernel)
        i, f, g, o = tf.split(gates, 4, axis=-1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(cell), cell

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """The part of the gates that does not depend on the state: [..., D] -> [..., 4 units]."""
        return tf.tensordot(inputs, self.kernel, 1) + (self.bias + self.recurrent_bias)

    def states(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """x [B, T, D] -> (outputs, cells) after each step, [B, T, units] each."""
        # The number of frames is known when the graph is built, and unrolling beats a loop there.
        state, states = self.initial_state(tf.shape(inputs)[0]), []
        for projected in tf.unstack(self.project(inputs), axis=1):
            state = self.step(projected, state)
            states.append(state)
        return tuple(tf.stack(parts, axis=1) for parts in zip(*states, strict=True))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.states(inputs)[0]
