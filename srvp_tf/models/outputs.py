"""What the steps of the model hand to each other."""

from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow_probability import distributions as tfd


class Encoding(NamedTuple):
    """features h [B, T, nhx]; stages: the encoder's maps, deepest first, each [B T, h, w, c]."""

    features: tf.Tensor
    stages: tuple


class Inference(NamedTuple):
    """What T observed frames tell.

    content: w [B, nh_inf].
    skips: deepest first, each [B, h, w, c]; None for a model without.
    q_y1: q(y_1 | x), elementwise, [B, ny].
    q_z: q(z_t | x), t = 2..T, elementwise, [B, T - 1, nz]; nz = 0 for a model without z.
    """

    content: tf.Tensor
    skips: tuple | None
    q_y1: tfd.Distribution
    q_z: tfd.Distribution


class Reconstruction(NamedTuple):
    """The model's view of a video x, for the objective.

    frames: means of p(x_t | y_t, w) [B, T, H, W, C]; of K frames, where not all were decoded.
    content: w [B, nh_inf].
    p_x: p(x | y, w), batch [B], event [T, H, W, C], or that of the decoded frames.
    q_y1, p_y1: posterior and prior of y_1, elementwise, [B, ny].
    q_z, p_z: those of z_t, t = 2..T, elementwise, [B, T - 1, nz].
    residuals: dt * f of every sub-step [B, T - 1, n, ny], see `Rollout`.
    decoded_frames: which frames were decoded [B, K]; None: all.
    """

    frames: tf.Tensor
    content: tf.Tensor
    p_x: tfd.Distribution
    q_y1: tfd.Distribution
    p_y1: tfd.Distribution
    q_z: tfd.Distribution
    p_z: tfd.Distribution
    residuals: tf.Tensor
    decoded_frames: tf.Tensor | None = None

    @property
    def latents(self) -> dict[str, tuple[tfd.Distribution, tfd.Distribution]]:
        """Name -> (posterior, prior) of what is random."""
        return {"y1": (self.q_y1, self.p_y1), "z": (self.q_z, self.p_z)}


class Future(NamedTuple):
    """F predicted frame intervals of S samples of B videos.

    state: at the last frame, to go on from; tensors.
    frames: r for each interval [B, S, F r, H, W, C] in (0, 1).
    path: what stands for each frame in the model [B, S, F, d]: its state y, or features.
    """

    state: Any
    frames: tf.Tensor
    path: tf.Tensor


class Paths(NamedTuple):
    """States of S samples of B videos: observed [B, S, T, ny]; future [B, S, K, ny]."""

    observed: tf.Tensor
    future: tf.Tensor
