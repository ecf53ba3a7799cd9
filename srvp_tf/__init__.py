"""Stochastic Latent Residual Video Prediction in TensorFlow."""

from srvp_tf._version import __version__

__all__ = ["__version__"]
