"""A video frame by frame: the state that observed frames leave, and predictions from it.

Noise is an argument. Frames are counted from 0. z of frame t moves the state from frame t - 1 to
frame t: from its posterior where frame t is observed, from the prior where it is predicted.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from srvp_tf.models.distributions import draw

if TYPE_CHECKING:
    from srvp_tf.models.srvp import SRVP


class FilterState(NamedTuple):
    """All that the observed frames of B videos tell about the frames to come.

    y: state at the last observed frame [B, ny].
    lstm_output, lstm_cell: of q(z) after it [B, nh_inf]; None for a model without z.
    recent_features: of the last nt_inf frames, oldest first [B, nt_inf, nhx].
    w: content [B, nh_inf].
    skips: of the last frame, deepest first, each [B, h, w, c]; () for a model without.
    """

    y: tf.Tensor
    lstm_output: tf.Tensor | None
    lstm_cell: tf.Tensor | None
    recent_features: tf.Tensor
    w: tf.Tensor
    skips: tuple

    def tensors(self) -> dict[str, tf.Tensor]:
        """Name -> tensor: the fields that there are, and skips as `skip_0` (the deepest), ..."""
        named = self._asdict()
        skips = {f"skip_{i}": skip for i, skip in enumerate(named.pop("skips"))}
        return {name: x for name, x in named.items() if x is not None} | skips

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, tf.Tensor]) -> "FilterState":
        """Of what `tensors` gave; what is not there is None."""
        num_skips = sum(name.startswith("skip_") for name in tensors)
        skips = tuple(tensors[f"skip_{i}"] for i in range(num_skips))
        return cls(*(tensors.get(name) for name in cls._fields[:-1]), skips)


def encode(
    model: "SRVP",
    frames: tf.Tensor,
    noise_y: tf.Tensor,
    noise_z: tf.Tensor,
    num_frames: tf.Tensor | None = None,
    actions: tf.Tensor | None = None,
) -> FilterState:
    """`SRVP.encode_state`: frames [B, T, H, W, C] in [0, 1], T >= nt_inf -> `FilterState`."""
    encoding = model.encode(frames)
    if num_frames is None:
        inferred = model.infer(encoding, actions=actions)
        recent = encoding.features[:, -model.config.nt_inf :]
    else:
        recent_frames = num_frames[:, None] + tf.range(-model.config.nt_inf, 0, dtype=tf.int64)
        inferred = model.infer(encoding, recent_frames, num_frames - 1, actions)
        recent = tf.gather(encoding.features, recent_frames, batch_dims=1)

    def at_last(x: tf.Tensor):  # [B, T, ...] -> [B, ...]: nothing in it depends on later frames
        return x[:, -1] if num_frames is None else tf.gather(x, num_frames - 1, batch_dims=1)

    memory = None, None
    if model.q_z is not None:
        scaled = model.scale_actions(actions)
        memory = map(at_last, model.q_z.memories(encoding.features, scaled))
    y = draw(inferred.q_y1, noise_y)
    path = y[:, None]
    if frames.shape[1] > 1:
        states = model.rollout(y, noise_z, inferred.q_z, actions=actions).states
        path = tf.concat([path, states[:, :, -1]], axis=1)
    skips = inferred.skips or ()
    return FilterState(at_last(path), *memory, recent, inferred.content, skips)


def observe(
    model: "SRVP",
    state: FilterState,
    frame: tf.Tensor,
    noise_z: tf.Tensor,
    action: tf.Tensor | None = None,
) -> FilterState:
    """`SRVP.observe_state`: the `FilterState` after one more frame [B, H, W, C] in [0, 1].

    The content and the skips of the one before are not used and may be None.
    """
    encoding = model.encode(frame[:, None])
    h = encoding.features[:, 0]
    memory, z = (None, None), noise_z
    if model.q_z is not None:
        before = state.lstm_output, state.lstm_cell
        q_z, memory = model.q_z.step(h, before, model.scale_actions(action))
        z = draw(q_z, noise_z)
    y = model.step(state.y, z, action=action)
    recent = tf.concat([state.recent_features[:, 1:], encoding.features], axis=1)
    skips = encoding.stages if model.config.skips else ()
    return FilterState(y, *memory, recent, model.content(recent), skips)


def predict_from_state(
    model: "SRVP",
    state: FilterState,
    noise_z: tf.Tensor,
    euler_steps: int,
    frames_per_step: int,
    actions: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """`SRVP.predict_from_state`: F frame intervals from the y, w and skips of a `FilterState`.

    Returns:
        (y at the end of each interval [B, F, ny], frames [B, F * frames_per_step, H, W, C]); the
        last of an interval's frames is the one at its end.
    """
    states = model.rollout(state.y, noise_z, euler_steps=euler_steps, actions=actions).states
    stride = euler_steps // frames_per_step
    kept = states[:, :, stride - 1 :: stride]
    kept = tf.reshape(kept, [-1, noise_z.shape[1] * frames_per_step, model.config.ny])
    return states[:, :, -1], model.decode(state.w, kept, state.skips or None)
