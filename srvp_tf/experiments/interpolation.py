"""From one video's dynamics to another's: y_1 on the line between the two, one content."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.experiments.latents import check_pairs, decode_states, infer
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.noise import forecast_noise
from srvp_tf.models.srvp import SRVP
from srvp_tf.video import to_uint8


def interpolate_dynamics(
    model: SRVP,
    start: tf.Tensor | np.ndarray,
    end: tf.Tensor | np.ndarray,
    *,
    num_points: int = 7,
    content: tf.Tensor | np.ndarray | None = None,
    horizon: int = 0,
    interpolate_z: bool = False,
    seed: int = 0,
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None = None,
) -> np.ndarray:
    """Videos between two, as in the paper: the dynamics change, the content does not.

    Point p of P has y_1 = (1 - a) y_1(start) + a y_1(end), a = p / (P - 1), of the posterior means.
    From there the state runs on: z is drawn from the prior, with the same noise at all points.

    Args:
        start, end: B videos each [B, T, H, W, C], of one length.
        num_points: P, ends included: 2 or more.
        content: videos that w and the skips are inferred from [B, T_c, H, W, C]; None: `start`.
        horizon: frames after the T-th.
        interpolate_z: take z_2..z_T from the line between the posterior means, too: then the first
            and the last point move as `start` and `end` do. After them z is drawn.
        seed: of the noise.
        video_ids: integers [B] that name the pairs in the address of the noise; None: 0..B-1.

    Returns:
        uint8 [B, P, T + horizon, H, W, C].

    Raises:
        UserError: the videos are no pairs, differ in length or do not fit the model.
    """
    content = start if content is None else content
    check_pairs(start=start, end=end, content=content)
    if start.shape[1] != end.shape[1]:
        raise UserError(
            f"start has {start.shape[1]} frames, end {end.shape[1]}: give videos of one length"
        )
    if num_points < 2:
        raise UserError(f"num_points={num_points}; give 2 or more")
    first, last = infer(model, start), infer(model, end)
    shares = np.linspace(0, 1, num_points, dtype=np.float32)

    def between(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:  # [B, ...] each -> [B P, ...]
        points = tf.stack([(1 - a) * one + a * other for a in shares], axis=1)
        return tf.reshape(points, [-1, *one.shape[1:]])

    num_frames = start.shape[1] + horizon
    videos = check_video_ids(video_ids, start)
    noise = forecast_noise(model.config, seed, videos, tf.range(1), num_frames)
    eps = tf.repeat(tf.cast(noise.z[:, 0], model.dtype), num_points, axis=0)
    y = between(first.q_y1.mean(), last.q_y1.mean())
    states = [y[:, None]]
    if interpolate_z and (count := first.q_z.batch_shape[1]):
        z = between(first.q_z.mean(), last.q_z.mean())
        path = model.dynamics.follow(y, z, model.config.euler_steps)
        states.append(path.states[:, :, -1])
        eps = eps[:, count:]
    if eps.shape[1]:
        states.append(model.rollout(states[-1][:, -1], eps).states[:, :, -1])
    states = tf.concat(states, axis=1)
    states = tf.reshape(states, [len(start), num_points, num_frames, model.config.ny])
    return to_uint8(decode_states(model, infer(model, content), states))
