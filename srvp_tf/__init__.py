"""Stochastic Latent Residual Video Prediction (Franceschi et al., ICML 2020) in TensorFlow.

Letters, in the code and in the paper:

    x    frames, [B, T, H, W, C] in [0, 1]         h    features of a frame, nhx of them
    y    state, y_{t+1} = y_t + f(y_t, z_{t+1})    z    noise of a frame interval
    w    content: what does not move               nu   standard deviation of x (obs_scale)
    q_y1, q_z   posteriors of y_1 and z_t          p_z  prior of z_{t+1} given y_t
    eps  standard normal noise, always an argument
    B videos, S samples, T frames, K decoded states, H x W pixels, C channels
    nt_cond frames are given, nt_inf of them tell w and y_1
"""

import importlib
import os

from srvp_tf._version import __version__
from srvp_tf.config import processor

processor.choose_onednn()
# Before Keras is imported: it may have a file of settings that says otherwise.
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"

# Public name -> its module, with `:name` where the module calls it otherwise.
_LAZY = {
    "load": "srvp_tf.runs.run_folder:load_model",
    "sample_videos": "srvp_tf.runs.test_set",
    "show": "srvp_tf.forecasting.notebook",
    "SRVP": "srvp_tf.models.srvp",
    "SVG": "srvp_tf.models.svg.model",
    "Config": "srvp_tf.config",
    "ModelConfig": "srvp_tf.config",
    "DataConfig": "srvp_tf.config",
    "TrainConfig": "srvp_tf.config",
    "EvalConfig": "srvp_tf.config",
    "Trainer": "srvp_tf.training.trainer",
    "UserError": "srvp_tf.errors",
    "write_video": "srvp_tf.video",
}

_OF_TENSORFLOW = ("sample_videos", "show", "SRVP", "SVG", "Trainer")

__all__ = ["__version__", *_LAZY]


def __getattr__(name):
    # TensorFlow is imported with the first name that needs it, not with the package.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("srvp_tf.config.tensorflow_start").require_tensorflow()
    if name in _OF_TENSORFLOW:
        importlib.import_module("srvp_tf.config.tensorflow_start").load_tensorflow()
    module, _, attribute = _LAZY[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__():
    return sorted(__all__)
