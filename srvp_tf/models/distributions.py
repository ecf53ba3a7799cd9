"""Diagonal Gaussians as TFP distributions, and draws of them with given noise."""

import tensorflow as tf
from tensorflow_probability import distributions as tfd

SCALE_FLOOR = 1e-8  # sigma = softplus(raw) + 1e-8 (docs/model.md)


def gaussian(params: tf.Tensor) -> tfd.Normal:
    """Head output [..., 2d] = (mean, raw scale) -> N(mean, diag scale^2), elementwise [..., d]."""
    loc, raw_scale = tf.split(params, 2, axis=-1)
    return tfd.Normal(loc, softplus(raw_scale) + SCALE_FLOOR)


def standard_normal(like: tf.Tensor) -> tfd.Normal:
    """N(0, I), elementwise, of the shape and dtype of `like` [..., d]."""
    return tfd.Normal(tf.zeros_like(like), tf.ones_like(like))


def draw(distribution: tfd.Distribution, eps: tf.Tensor) -> tf.Tensor:
    """A reparameterised draw, as a function of standard normal noise `eps` [..., d].

    `distribution.sample` would draw noise of its own, which has no address (`models.noise`). A
    distribution that is not normal needs a quantile function.
    """
    if isinstance(distribution, tfd.Normal):
        return distribution.loc + distribution.scale * eps
    return distribution.quantile(standard_normal(eps).cdf(eps))


def draw_samples(distribution: tfd.Distribution, eps: tf.Tensor) -> tf.Tensor:
    """S draws of each of B distributions [B, ..., d]: `draw` with noise [B, S, ..., d].

    Samples stand first where they are drawn, as for TFP; its slices of distributions hold
    operations that ONNX has not, and forget a size of 0.
    """
    swapped = [1, 0, *range(2, eps.shape.rank)]
    return tf.transpose(draw(distribution, tf.transpose(eps, swapped)), swapped)


def softplus(x: tf.Tensor) -> tf.Tensor:
    """log(1 + exp(x)), elementwise, [...] -> [...], > 0.

    In a form that stays finite in TFLite, whose own overflows above 88.
    """
    size = tf.abs(x)
    # Not relu(x), whose gradient at 0 would be 0: with this form the sum's is 1/2, as it should be.
    return 0.5 * (x + size) + tf.math.softplus(-size)
