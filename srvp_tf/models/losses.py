"""The objective as named terms per video (docs/model.md). Only the training step averages.

A term is a function of (frames, what the model returned: a `Reconstruction`, say) that returns one
number per video; its weight has its name. `LOSS_TERMS.register(name)` adds one, and
`--loss_weights=name=0.1` turns it on.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.config.registries import LOSS_TERMS
from srvp_tf.models.clips import Clips, parts
from srvp_tf.models.outputs import Reconstruction

if TYPE_CHECKING:
    from srvp_tf.models.video_model import VideoModel


def latent_kl(outputs: Any) -> dict[str, tf.Tensor]:
    """Name of a latent variable -> KL(posterior || prior) of each dimension, [B, ..., d], in nats.

    Of a `Reconstruction`, for y_1 [B, ny] and z [B, T - 1, nz].
    """
    return {name: tfd.kl_divergence(q, p) for name, (q, p) in outputs.latents.items()}


def nll(frames: tf.Tensor, outputs: Reconstruction) -> tf.Tensor:
    """-log p(x | y, w) of frames [B, T, H, W, C] in [0, 1] -> [B], in nats.

    Where K frames drawn at random were decoded, T / K times theirs: its mean over the draws is that
    of all frames.
    """
    decoded, share = _decoded(frames, outputs)
    return -outputs.p_x.log_prob(decoded) / share


def kl_y1(frames: tf.Tensor, outputs: Reconstruction) -> tf.Tensor:
    """KL(q(y_1 | x) || p(y_1)), [B], in nats."""
    return tf.reduce_sum(tfd.kl_divergence(outputs.q_y1, outputs.p_y1), axis=-1)


def kl_z(frames: tf.Tensor, outputs: Any) -> tf.Tensor:
    """Sum over t of KL(q(z_t | x_1..t) || p(z_t | y_{t-1})), [B], in nats."""
    return tf.reduce_sum(tfd.kl_divergence(outputs.q_z, outputs.p_z), axis=[-2, -1])


def kl_z_prior(frames: tf.Tensor, outputs: Any) -> tf.Tensor:
    """`kl_z` with each q(z_t) held fixed: it moves the prior, and the states that the prior reads.

    With weight v of this term and beta of `kl_z`, a posterior is drawn to its prior with beta, the
    prior to the posterior with beta + v (balancing; Hafner et al., 2021). [B], in nats.
    """
    held = tf.nest.map_structure(tf.stop_gradient, outputs.q_z, expand_composites=True)
    return tf.reduce_sum(tfd.kl_divergence(held, outputs.p_z), axis=[-2, -1])


def l2_res(frames: tf.Tensor, outputs: Reconstruction) -> tf.Tensor:
    """Sum of the Euclidean norms of the residuals, [B], in units of y."""
    return tf.reduce_sum(safe_norm(outputs.residuals), axis=[-2, -1])


def cross_entropy(frames: tf.Tensor, outputs: Any) -> tf.Tensor:
    """-x log p - (1 - x) log(1 - p) of mean frames p, summed over pixels and frames: [B], in nats.

    The negative log density of Bernoulli pixels, where x is 0 or 1. Unlike that of a Gaussian, its
    gradient does not vanish where the decoder's sigmoid is near 0 or 1 and wrong. Frames are
    [B, T, H, W, C] in [0, 1]; where K of them were decoded it is T / K times theirs.
    """
    decoded, share = _decoded(frames, outputs)
    per_pixel = keras.ops.binary_crossentropy(decoded, outputs.frames)
    return tf.reduce_sum(per_pixel, axis=[1, 2, 3, 4]) / share


def _decoded(frames: tf.Tensor, outputs: Any):
    """(Those of the frames [B, T, ...] that were decoded, their share of all)."""
    chosen = getattr(outputs, "decoded_frames", None)  # SVG decodes all
    if chosen is None:
        return frames, 1.0
    return tf.gather(frames, chosen, batch_dims=1), chosen.shape[1] / frames.shape[1]


def mse(frames: tf.Tensor, outputs: Any) -> tf.Tensor:
    """Sum over t of the mean squared error of a frame: frames [B, T, H, W, C] in [0, 1] -> [B]."""
    squares = tf.math.squared_difference(frames, outputs.frames)
    return tf.reduce_sum(tf.reduce_mean(squares, axis=[-3, -2, -1]), axis=-1)


def loss_terms(
    frames: tf.Tensor, outputs: Any, weights: Mapping[str, float]
) -> dict[str, tf.Tensor]:
    """The terms that `weights` names, unweighted, [B] each; frames have the outputs' dtype."""
    return {name: LOSS_TERMS[name](frames, outputs) for name in weights}


def weighted_sum(terms: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> tf.Tensor:
    """The sum of weights[name] * terms[name]: of loss terms per video, the objective [B]."""
    return sum(weights[name] * term for name, term in terms.items())


def objective(
    model: "VideoModel",
    clips: Clips,
    noise: Any,
    weights: Mapping[str, float],
    training: bool = True,
) -> tuple[tf.Tensor, dict[str, tf.Tensor], Any]:
    """(loss [B], its terms, what `model` returned) of `Clips`.

    This is what all training descends.

    Args:
        model: a `VideoModel`.
        clips: frames [B, T, H, W, C], uint8 or float in [0, 1], with actions if the model has some.
        noise: of `model.training_noise`.
        weights: name -> weight of loss terms.
        training: whether batch normalisation uses, and learns from, this batch.
    """
    frames, given = parts(clips)
    frames = model.to_unit_range(frames)
    outputs = model(frames, noise=noise, training=training, **given)
    terms = loss_terms(frames, outputs, weights)
    return weighted_sum(terms, weights), terms, outputs


def safe_norm(x: tf.Tensor) -> tf.Tensor:
    """Euclidean norm of x [..., d] -> [...], with subgradient 0 at the zero vector.

    `tf.norm` has NaN there.
    """
    squared = tf.reduce_sum(tf.square(x), axis=-1)
    is_zero = tf.equal(squared, 0.0)
    # The root is taken of 1 where the norm is 0, so that no infinite slope meets the mask's zero.
    root = tf.sqrt(tf.where(is_zero, tf.ones_like(squared), squared))
    return tf.where(is_zero, tf.zeros_like(squared), root)
