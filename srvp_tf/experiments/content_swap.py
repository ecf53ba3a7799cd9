"""One video's content in another one's motion: w and skips of the first, y_1 and z of the second.

As in the paper's section on disentangling.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.experiments.latents import check_pairs, decode_states, infer
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.noise import forecast_noise
from srvp_tf.models.outputs import Inference
from srvp_tf.models.srvp import SRVP
from srvp_tf.video import to_uint8


class ContentSwap(NamedTuple):
    """Swapped videos, and the two that nothing was exchanged in, uint8 [B, S, K, H, W, C] each.

    swapped: w and skips of `content`, y_1 and z of `dynamics`; K = T_d + horizon.
    content_reconstruction: all of `content`; K = T_c + horizon.
    dynamics_reconstruction: all of `dynamics`; K = T_d + horizon.
    """

    swapped: np.ndarray
    content_reconstruction: np.ndarray
    dynamics_reconstruction: np.ndarray


def swap_content(
    model: SRVP,
    content: tf.Tensor | np.ndarray,
    dynamics: tf.Tensor | np.ndarray,
    *,
    horizon: int = 0,
    num_samples: int = 1,
    seed: int = 0,
    video_ids: tf.Tensor | np.ndarray | Sequence[int] | None = None,
) -> ContentSwap:
    """Make the scene of one video move like another.

    Args:
        content: B videos that w and the skips are inferred from [B, T_c, H, W, C], by the rule of
            forecasts: w from the last nt_inf frames, the skips from the last one.
        dynamics: as many that y_1 and z_2..z_T are inferred from [B, T_d, H, W, C].
        horizon: frames to predict after these, z from the prior.
        num_samples: S.
        seed: of the samples.
        video_ids: integers [B] that name the pairs in the address of the noise; None: 0..B-1.

    Raises:
        UserError: the videos are no pairs, or do not fit the model.
    """
    check_pairs(content=content, dynamics=dynamics)
    videos = check_video_ids(video_ids, content)
    of_content, of_dynamics = infer(model, content), infer(model, dynamics)

    def states(inferred: Inference) -> tf.Tensor:
        observed = inferred.q_z.loc.shape[1]
        samples = tf.range(num_samples)
        # One frame more than is wanted: a rollout of none is no rollout.
        noise = forecast_noise(model.config, seed, videos, samples, observed + 2 + horizon)
        paths = model.sample_paths(inferred, noise)
        return tf.concat(paths, axis=2)[:, :, : observed + 1 + horizon]

    y_content, y_dynamics = states(of_content), states(of_dynamics)
    return ContentSwap(
        swapped=to_uint8(decode_states(model, of_content, y_dynamics)),
        content_reconstruction=to_uint8(decode_states(model, of_content, y_content)),
        dynamics_reconstruction=to_uint8(decode_states(model, of_dynamics, y_dynamics)),
    )
