"""The objective (section 4): named terms per video. Only the trainer averages them."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.models.distributions import standard_normal


class LossTerms(NamedTuple):
    """Unweighted terms of each video, [B] each, in nats (`l2_res`: in units of y)."""

    nll: tf.Tensor
    kl_y1: tf.Tensor
    kl_z: tf.Tensor
    l2_res: tf.Tensor

    def total(self, beta_y, beta_z, l2_res_weight):
        """nll + beta_y kl_y1 + beta_z kl_z + l2_res_weight l2_res, [B]."""
        return self.nll + beta_y * self.kl_y1 + beta_z * self.kl_z + l2_res_weight * self.l2_res


class LatentKL(NamedTuple):
    """KL divergences kept apart per dimension: y_1 [B, ny]; z [B, T - 1, nz]."""

    y_1: tf.Tensor
    z: tf.Tensor


def latent_kl(outputs):
    """KL(q(y_1) || N(0, I)) and KL(q(z_t) || p(z_t | y_{t-1})) of a `Reconstruction`, in nats.

    Returns a `LatentKL`: y_1 [B, ny], z [B, T - 1, nz].
    """
    q_y1, q_z, p_z = outputs.q_y1, outputs.q_z, outputs.p_z
    p_y1 = standard_normal(q_y1.loc)
    return LatentKL(
        y_1=tfd.kl_divergence(q_y1.distribution(), p_y1.distribution()),
        z=tfd.kl_divergence(q_z.distribution(), p_z.distribution()),
    )


def loss_terms(frames, outputs, obs_scale, kl=None):
    """Terms of the evidence lower bound (eq. 8) and the penalty of the residuals.

    Args:
        frames: x [B, T, H, W, C] in [0, 1], of the dtype of the outputs.
        outputs: the model's `Reconstruction` of them.
        obs_scale: nu, the standard deviation of the observation model.
        kl: `latent_kl(outputs)`, if it is at hand.

    Returns:
        `LossTerms`.
    """
    kl = kl or latent_kl(outputs)
    p_x = tfd.Independent(tfd.Normal(outputs.frames, obs_scale), reinterpreted_batch_ndims=4)
    return LossTerms(
        nll=-p_x.log_prob(frames),
        kl_y1=tf.reduce_sum(kl.y_1, axis=-1),
        kl_z=tf.reduce_sum(kl.z, axis=[-2, -1]),
        l2_res=tf.reduce_sum(safe_norm(outputs.residuals), axis=[-2, -1]),
    )


def safe_norm(x):
    """Euclidean norm of x [..., d] -> [...], with subgradient 0 at the zero vector.

    `tf.norm` has NaN there.
    """
    squared = tf.reduce_sum(tf.square(x), axis=-1)
    is_zero = tf.equal(squared, 0.0)
    # The root is taken of 1 where the norm is 0, so that no infinite slope meets the mask's zero.
    root = tf.sqrt(tf.where(is_zero, tf.ones_like(squared), squared))
    return tf.where(is_zero, tf.zeros_like(squared), root)
