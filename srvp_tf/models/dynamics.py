"""The latent dynamics: prior of the noise, residual update, and rollouts of both."""

from typing import NamedTuple

import keras
import tensorflow as tf

from srvp_tf.models.distributions import Gaussian, gaussian
from srvp_tf.models.gru import GRUCell
from srvp_tf.models.initializers import child_seed
from srvp_tf.models.perceptrons import MLP

# So many unrolled steps are up to 1.2 times as fast as a loop; more are no faster, and take seconds
# to build (`python -m benchmarks.rollout`).
MAX_UNROLLED_STEPS = 64


class Rollout(NamedTuple):
    """A path of F frame intervals of n Euler steps each, after its start.

    states: y after every sub-step [N, F, n, ny]; `states[:, :, -1]` are those at frame times.
    z: [N, F, nz].
    p_z: p(z | y) at the start of every interval, Gaussian [N, F, nz].
    residuals: dt * f(y, z) of every sub-step [N, F, n, ny]; [N, F, 0, ny] in a variant that has
        none.
    """

    states: tf.Tensor
    z: tf.Tensor
    p_z: Gaussian
    residuals: tf.Tensor


class Dynamics(keras.layers.Layer):
    """p(z_{t+1} | y_t) and y_{t+1} = y_t + f(y_t, z_{t+1}) (eq. 2), y [..., ny], z [..., nz].

    The paper's ablation replaces the update: y_{t+1} = f(y_t, z_{t+1}) ("mlp"), or a GRU with input
    z_{t+1} and state y_t ("gru"). Both take one step per frame.

    Args:
        ny, nz: sizes of state and noise; nz = 0: there is no noise, and no prior of it.
        hidden, num_layers: of both perceptrons.
        gain: of f's orthogonal initialisation, in the residual update.
        update: "residual", "mlp" or "gru".
    """

    def __init__(self, ny, nz, hidden, num_layers, gain, update="residual", seed=None, **kwargs):
        super().__init__(**kwargs)
        self._config = {
            "ny": ny,
            "nz": nz,
            "hidden": hidden,
            "num_layers": num_layers,
            "gain": gain,
            "update": update,
            "seed": seed,
        }

        def perceptron(units, name, gain=None):
            return MLP(
                units,
                hidden,
                num_layers,
                gain,
                child_seed(seed, name),
                name=name,
                dtype=self.dtype_policy,
            )

        self.prior_head = perceptron(2 * nz, "prior") if nz else None
        self.residual = self.perceptron = self.cell = None
        if update == "residual":
            self.residual = perceptron(ny, "residual", gain)
        elif update == "mlp":
            self.perceptron = perceptron(ny, "perceptron")
        else:
            cell_seed = child_seed(seed, "cell")
            self.cell = GRUCell(ny, cell_seed, name="cell", dtype=self.dtype_policy)

    def build(self, input_shape=None):
        ny, nz = self._config["ny"], self._config["nz"]
        if self.prior_head is not None:
            self.prior_head.build((None, ny))
        if self.cell is not None:
            self.cell.build((None, nz))
        else:
            (self.residual or self.perceptron).build((None, ny + nz))

    @property
    def output_shape(self):
        """Of the next state: for `summary`."""
        return None, self._config["ny"]

    def prior(self, y):
        """p(z | y): y [..., ny] -> Gaussian [..., nz]."""
        if self.prior_head is None:
            return Gaussian(y[..., :0], y[..., :0])
        return gaussian(self.prior_head(y))

    def step(self, y, z, euler_steps=1):
        """One frame interval: n times y <- y + f(y, z) / n.

        Returns the states after each sub-step and the residuals f(y, z) / n, each [..., n, ny]. In
        the other variants there is one sub-step, and no residual: [..., 1, ny], [..., 0, ny].
        """
        if self.residual is None:
            inputs = tf.concat([y, z], -1)
            y = self.perceptron(inputs) if self.cell is None else self.cell(z, y)
            return y[..., None, :], y[..., None, :][..., :0, :]
        states, residuals = [], []
        for _ in range(euler_steps):
            residuals.append(self.residual(tf.concat([y, z], -1)) / euler_steps)
            y += residuals[-1]
            states.append(y)
        return tf.stack(states, -2), tf.stack(residuals, -2)

    def infer_path(self, y, z, euler_steps):
        """Follow given z [N, F, nz] from y [N, ny]; returns a `Rollout`."""

        def follow(y, z):
            states, residuals = self.step(y, z, euler_steps)
            return states[:, -1], (states, residuals)

        states, residuals = _scan(follow, y, z, euler_steps)
        # p(z | y) is not needed on the way, hence computed for all frames at once.
        starts = tf.concat([y[:, None], states[:, :-1, -1]], axis=1)
        return Rollout(states, z, self.prior(starts), residuals)

    def imagine_path(self, y, eps, euler_steps):
        """Draw z from the prior with noise eps [N, F, nz], from y [N, ny]; returns a `Rollout`."""

        def imagine(y, eps):
            p_z = self.prior(y)
            z = p_z.sample(eps)
            states, residuals = self.step(y, z, euler_steps)
            return states[:, -1], (states, z, p_z.loc, p_z.scale, residuals)

        states, z, loc, scale, residuals = _scan(imagine, y, eps, euler_steps)
        return Rollout(states, z, Gaussian(loc, scale), residuals)

    def get_config(self):
        return super().get_config() | self._config


def _scan(function, y, inputs, euler_steps):
    """Thread y [N, ny] through `function(y, inputs[:, i]) -> (next y, outputs)`.

    Returns the outputs of all i stacked on axis 1.
    """
    num_frames = inputs.shape[1]
    if num_frames is not None and num_frames * euler_steps <= MAX_UNROLLED_STEPS:
        collected = []
        for step_inputs in tf.unstack(inputs, num_frames, axis=1):
            y, outputs = function(y, step_inputs)
            collected.append(outputs)
        return tuple(tf.stack(parts, axis=1) for parts in zip(*collected, strict=True))
    return _loop(function, y, inputs)


def _loop(function, y, inputs):
    """`_scan` as one `tf.while_loop`."""
    by_frame = tf.transpose(inputs, [1, 0, 2])
    num_frames = tf.shape(by_frame)[0]
    _, like = function(y, tf.zeros_like(inputs[:, 0]))
    arrays = tuple(tf.TensorArray(x.dtype, num_frames, element_shape=x.shape) for x in like)

    def body(i, y, arrays):
        y, outputs = function(y, by_frame[i])
        return i + 1, y, tuple(a.write(i, x) for a, x in zip(arrays, outputs, strict=True))

    invariants = (tf.TensorShape([]), y.shape, tuple(tf.TensorShape(None) for _ in arrays))
    *_, arrays = tf.while_loop(
        lambda i, *_: i < num_frames, body, (0, y, arrays), shape_invariants=invariants
    )
    stacked = (array.stack() for array in arrays)
    return tuple(tf.transpose(x, [1, 0, *range(2, x.shape.rank)]) for x in stacked)
