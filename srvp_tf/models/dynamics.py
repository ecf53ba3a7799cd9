"""The latent dynamics: prior of the noise, step of the state, and rollouts of both."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.config import ModelConfig
from srvp_tf.models.configured_layer import ConfiguredLayer
from srvp_tf.models.distributions import draw, gaussian
from srvp_tf.models.initializers import child_seed, uniform
from srvp_tf.models.perceptrons import MLP

# So many unrolled steps are up to 1.2 times as fast as a loop; more are no faster, and take seconds
# to build (`python -m benchmarks.rollout`).
MAX_UNROLLED_STEPS = 64


class Rollout(NamedTuple):
    """A path of F frame intervals of n Euler steps each, after its start.

    states: y after every sub-step [N, F, n, ny]; `states[:, :, -1]` are those at frame times.
    z: [N, F, nz].
    p_z: p(z | y) at the start of every interval, batch [N, F, nz].
    residuals: dt * f(y, z) of every sub-step [N, F, n, ny]; [N, F, 0, ny] if there are none.
    """

    states: tf.Tensor
    z: tf.Tensor
    p_z: tfd.Distribution
    residuals: tf.Tensor


class Dynamics(ConfiguredLayer):
    """p(z_{t+1} | y_t, a_t) and y_{t+1} as a function of y_t and u_t = (z_{t+1}, a_t).

    y [..., ny], z [..., nz]; a is the scaled action of the interval [..., A], of a model that takes
    actions. u [..., interval_size] is z followed by a: z alone without them.

    A subclass implements `next_state`, or `step` if it has sub-steps, and makes its layers in
    `__init__` and builds them in `build`. Another prior overrides `prior`. With
    `DYNAMICS.register(name)` it is one of `--dynamics`.
    """

    takes_euler_steps = False
    """Whether a frame interval can be cut into sub-steps, and so be predicted at other rates."""

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(config, seed, **kwargs)
        nz = config.noise_size  # 0: there is no noise, and no prior of it
        self.prior_head = self.perceptron(2 * nz, "prior") if nz else None

    def perceptron(self, units: int, name: str, gain: float | None = None) -> MLP:
        """A perceptron of the configured depth and width, `gain` of orthogonal initial weights."""
        return self.part(MLP, name, units, self.config.nh_res, self.config.nlayers_res, gain)

    def build(self, input_shape: tuple | None = None) -> None:
        if self.prior_head is not None:
            self.prior_head.build((None, self.config.ny + self.config.action_size))

    @property
    def output_shape(self) -> tuple:
        """Of the next state: for `summary`."""
        return None, self.config.ny

    def prior(self, y: tf.Tensor, action: tf.Tensor | None = None) -> tfd.Distribution:
        """p(z | y, a): y [..., ny], a [..., A] -> elementwise, [..., nz]."""
        if self.prior_head is None:
            return tfd.Normal(y[..., :0], y[..., :0])
        return gaussian(self.prior_head(_with(y, action)))

    def next_state(self, y: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        """The state one frame later: y [..., ny], u [..., interval_size] -> [..., ny]."""
        return self.step(y, u)[0][..., -1, :]

    def step(self, y: tf.Tensor, u: tf.Tensor, euler_steps: int = 1) -> tuple[tf.Tensor, tf.Tensor]:
        """One frame interval of n sub-steps, 1 unless the class `takes_euler_steps`.

        Returns the states after each sub-step [..., n, ny], and what each added to the state, as
        the penalty of the residuals takes it: here nothing, [..., 0, ny].
        """
        states = self.next_state(y, u)[..., None, :]
        return states, states[..., :0, :]

    def sub_step(self, y: tf.Tensor, u: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """A part of a frame interval of a given size [..., 1] in (0, 1]; here the whole, always."""
        return self.next_state(y, u)

    def follow(
        self, y: tf.Tensor, z: tf.Tensor, euler_steps: int, actions: tf.Tensor | None = None
    ) -> Rollout:
        """The path from y [N, ny] with given z [N, F, nz] and actions [N, F, A]."""

        def move(y: tf.Tensor, u: tf.Tensor):
            states, residuals = self.step(y, u, euler_steps)
            return states[:, -1], (states, residuals)

        states, residuals = _scan(move, y, _with(z, actions), euler_steps)
        return Rollout(states, z, self._priors(y, states, actions), residuals)

    def imagine(
        self, y: tf.Tensor, eps: tf.Tensor, euler_steps: int, actions: tf.Tensor | None = None
    ) -> Rollout:
        """A path from y [N, ny] whose z are drawn from the prior with noise eps [N, F, nz]."""
        nz = self.config.noise_size

        def move(y: tf.Tensor, given: tf.Tensor):
            eps, action = (given, None) if actions is None else (given[:, :nz], given[:, nz:])
            z = draw(self.prior(y, action), eps)
            states, residuals = self.step(y, _with(z, action), euler_steps)
            return states[:, -1], (states, z, residuals)

        states, z, residuals = _scan(move, y, _with(eps, actions), euler_steps)
        return Rollout(states, z, self._priors(y, states, actions), residuals)

    def _priors(self, y: tf.Tensor, states: tf.Tensor, actions: tf.Tensor | None):
        # Of all frames at once; in a graph that does not use them they are not computed.
        return self.prior(tf.concat([y[:, None], states[:, :-1, -1]], axis=1), actions)


class ResidualDynamics(Dynamics):
    """y_{t+1} = y_t + f(y_t, u_t), in n Euler steps of f / n (eq. 2)."""

    takes_euler_steps = True

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(config, seed, **kwargs)
        self.residual = self.perceptron(config.ny, "residual", config.res_gain)

    def build(self, input_shape: tuple | None = None) -> None:
        super().build(input_shape)
        self.residual.build((None, self.config.ny + self.config.interval_size))

    def step(self, y: tf.Tensor, u: tf.Tensor, euler_steps: int = 1) -> tuple[tf.Tensor, tf.Tensor]:
        states, residuals = [], []
        for _ in range(euler_steps):
            residuals.append(self.residual(tf.concat([y, u], -1)) / euler_steps)
            y += residuals[-1]
            states.append(y)
        return tf.stack(states, -2), tf.stack(residuals, -2)

    def sub_step(self, y: tf.Tensor, u: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        return y + size * self.residual(tf.concat([y, u], -1))


class PerceptronDynamics(Dynamics):
    """y_{t+1} = f(y_t, u_t), in the paper's ablation."""

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(config, seed, **kwargs)
        self.transition = self.perceptron(config.ny, "perceptron")

    def build(self, input_shape: tuple | None = None) -> None:
        super().build(input_shape)
        self.transition.build((None, self.config.ny + self.config.interval_size))

    def next_state(self, y: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        return self.transition(tf.concat([y, u], -1))


class GRUDynamics(Dynamics):
    """y_{t+1} = GRU(u_t, y_t), in the paper's ablation: input u, state y, as PyTorch's cell."""

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(config, seed, **kwargs)

        def initial(name: str):
            return uniform(config.ny, child_seed(child_seed(seed, "cell"), name))

        self.cell = keras.layers.GRUCell(
            config.ny,
            kernel_initializer=initial("kernel"),
            recurrent_initializer=initial("recurrent_kernel"),
            bias_initializer=initial("bias"),
            reset_after=True,
            name="cell",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: tuple | None = None) -> None:
        super().build(input_shape)
        self.cell.build((None, max(self.config.interval_size, 1)))
        self.cell.kernel.trainable = self.config.interval_size > 0

    def next_state(self, y: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        if not self.config.interval_size:  # TensorFlow aborts in the gradient of an empty kernel
            u = tf.zeros_like(y[..., :1])
        flat = (tf.reshape(x, [-1, x.shape[-1]]) for x in (u, y))  # the cell knows no other ranks
        return tf.reshape(self.cell(*flat)[0], tf.shape(y))


def _with(x: tf.Tensor, action: tf.Tensor | None):
    """[..., d] and [..., A] -> [..., d + A]; x itself without an action."""
    return x if action is None else tf.concat([x, action], axis=-1)


def _scan(function: Callable, y: tf.Tensor, inputs: tf.Tensor, euler_steps: int):
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


def _loop(function: Callable, y: tf.Tensor, inputs: tf.Tensor):
    """`_scan` as one `tf.while_loop`."""
    by_frame = tf.transpose(inputs, [1, 0, 2])
    num_frames = tf.shape(by_frame)[0]
    _, like = function(y, tf.zeros_like(inputs[:, 0]))
    arrays = tuple(tf.TensorArray(x.dtype, num_frames, element_shape=x.shape) for x in like)

    def body(i: tf.Tensor, y: tf.Tensor, arrays: tuple):
        y, outputs = function(y, by_frame[i])
        return i + 1, y, tuple(a.write(i, x) for a, x in zip(arrays, outputs, strict=True))

    invariants = (tf.TensorShape([]), y.shape, tuple(tf.TensorShape(None) for _ in arrays))
    *_, arrays = tf.while_loop(
        lambda i, *_: i < num_frames, body, (0, y, arrays), shape_invariants=invariants
    )
    stacked = (array.stack() for array in arrays)
    return tuple(tf.transpose(x, [1, 0, *range(2, x.shape.rank)]) for x in stacked)
