"""Diagonal Gaussians as a pair of tensors; a TFP distribution is made where one is used."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow_probability import distributions as tfd

SCALE_FLOOR = 1e-8  # sigma = softplus(raw) + 1e-8 (spec, section 2)


class Gaussian(NamedTuple):
    """N(loc, diag scale^2): `loc` and `scale` have one shape [..., d]; scale > 0."""

    loc: tf.Tensor
    scale: tf.Tensor

    def sample(self, eps):
        """Reparameterised draw loc + scale * eps; eps [..., d] is standard normal noise."""
        return self.loc + self.scale * eps

    def distribution(self):
        """Elementwise `tfd.Normal` [..., d]: its KL and log-density keep the last axis."""
        return tfd.Normal(self.loc, self.scale)


def gaussian(params):
    """Head output [..., 2d] = (mean, raw scale) -> Gaussian [..., d]."""
    loc, raw_scale = tf.split(params, 2, axis=-1)
    return Gaussian(loc, softplus(raw_scale) + SCALE_FLOOR)


def softplus(x):
    """log(1 + exp(x)), elementwise, [...] -> [...], > 0.

    In a form that stays finite in TFLite, whose own overflows above 88.
    """
    size = tf.abs(x)
    # Not relu(x), whose gradient at 0 would be 0: with this form the sum's is 1/2, as it should be.
    return 0.5 * (x + size) + tf.math.softplus(-size)


def standard_normal(like):
    """N(0, I) of the shape and dtype of `like` [..., d]: the law of y_1 (eq. 1)."""
    return Gaussian(tf.zeros_like(like), tf.ones_like(like))
