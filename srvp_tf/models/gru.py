"""The gated recurrent unit of the paper's ablation."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import child_seed, uniform


class GRUCell(keras.layers.Layer):
    """One step of a GRU: input x [..., D], D >= 0, state y [..., units] -> next [..., units].

    As PyTorch's: gates in the order reset r, update u, candidate n, two biases,
    n = tanh(W x + b + r (U y + c)), next state (1 - u) n + u y.
    """

    def __init__(self, units, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.seed = seed

    def build(self, input_shape):
        def weight(name, *shape):
            law = uniform(self.units, child_seed(self.seed, name))
            return self.add_weight(shape, law, name=name)

        # TensorFlow aborts in the gradient of a kernel without rows.
        self.kernel = weight("kernel", input_shape[-1], 3 * self.units) if input_shape[-1] else None
        self.recurrent_kernel = weight("recurrent_kernel", self.units, 3 * self.units)
        self.bias = weight("bias", 3 * self.units)
        self.recurrent_bias = weight("recurrent_bias", 3 * self.units)

    def call(self, inputs, state):
        given = self.bias
        if self.kernel is not None:
            given += tf.tensordot(inputs, self.kernel, 1)
        recurrent = tf.tensordot(state, self.recurrent_kernel, 1) + self.recurrent_bias
        gates = 2 * self.units
        reset, update = tf.split(tf.sigmoid(given[..., :gates] + recurrent[..., :gates]), 2, -1)
        candidate = tf.tanh(given[..., gates:] + reset * recurrent[..., gates:])
        return (1.0 - update) * candidate + update * state

    def get_config(self):
        return super().get_config() | {"units": self.units, "seed": self.seed}
