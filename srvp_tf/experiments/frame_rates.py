"""The same latent path at several frame rates: dt smaller than in training."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.experiments.latents import decode_states, infer
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.noise import forecast_noise
from srvp_tf.models.srvp import SRVP
from srvp_tf.video import to_uint8


def steps_for_rate(config: ModelConfig, rate: int) -> int:
    """Euler steps per interval for `rate` frames in it: the least that keep dt <= the training's.

    Args:
        rate: frames per frame interval.

    Raises:
        UserError: the dynamics take one step per frame ("mlp", "gru").
    """
    steps = math.lcm(config.euler_steps, rate)
    config.check_euler_steps(steps)
    return steps


def forecast_at_rates(
    model: SRVP,
    observed: tf.Tensor | np.ndarray,
    horizon: int,
    rates: Sequence[int] = (1, 2, 4),
    *,
    num_samples: int = 1,
    seed: int = 0,
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None = None,
) -> dict[int, np.ndarray]:
    """Futures of videos, each at several frame rates.

    Args:
        observed: frames [B, T, H, W, C], uint8 or float in [0, 1].
        horizon: frame intervals to predict.
        rates: frames per interval; every `rate`-th one is at a frame time.
        num_samples, seed, video_ids: as in `SRVP.forecast`. A sample has the same noise at all
            rates: z is drawn once per interval.

    Returns:
        rate -> uint8 [B, S, horizon * rate, H, W, C].

    Raises:
        UserError: as `SRVP.forecast` and `steps_for_rate`.
    """
    inferred = infer(model, observed)
    videos, samples = check_video_ids(video_ids, observed), tf.range(num_samples)
    noise = forecast_noise(model.config, seed, videos, samples, observed.shape[1] + horizon)
    futures = {}
    for rate in rates:
        steps = steps_for_rate(model.config, rate)
        path = model.sample_paths(inferred, noise, steps, rate).future
        futures[rate] = to_uint8(decode_states(model, inferred, path))
    return futures


def reconstruct_at_rate(
    model: SRVP, videos: tf.Tensor | np.ndarray, euler_steps: int, rate: int
) -> np.ndarray:
    """Videos as the model saw them, with frames in between: nothing is drawn.

    y_1 and z are the means of their posteriors given all T frames.

    Args:
        videos: [B, T, H, W, C], uint8 or float in [0, 1].
        euler_steps: per frame interval.
        rate: frames per interval; divides `euler_steps`.

    Returns:
        float32 [B, (T - 1) * rate + 1, H, W, C] in (0, 1); every `rate`-th one, from the first, is
        at the time of a frame of `videos`.
    """
    inferred = infer(model, videos)
    path = model.dynamics.follow(inferred.q_y1.mean(), inferred.q_z.mean(), euler_steps)
    stride = euler_steps // rate
    between = path.states[:, :, stride - 1 :: stride]
    between = tf.reshape(between, [len(between), -1, model.config.ny])
    states = tf.concat([inferred.q_y1.mean()[:, None], between], axis=1)
    return decode_states(model, inferred, states[:, None])[:, 0]
