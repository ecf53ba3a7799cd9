"""Models that are small enough for a test, and videos for them."""

import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.config.registries import MODELS

SIZES = {
    "nf": 4,
    "nhx": 12,
    "ny": 6,
    "nz": 5,
    "nt_inf": 3,
    "nh_inf": 10,
    "nh_res": 14,
    "euler_steps": 2,
}


def small_config(**changes):
    """A model of dcgan on 32 x 32 frames, with what `changes` says."""
    model = changes.get("model", "srvp")
    sizes = {name: x for name, x in SIZES.items() if ModelConfig.has_setting(name, model)}
    return ModelConfig(**{"frame_size": 32, **sizes, **changes})


def small_model(precision="float32", seed=0, **changes):
    """An untrained model of `small_config(**changes)`."""
    config = small_config(**changes)
    return MODELS[config.model](config, precision=precision, seed=seed)


def spread_statistics(model):
    """Batch normalisation away from its neutral start, so that frames differ."""
    random = np.random.default_rng(7)
    for variable in model.weights:
        if "norm" in variable.path:
            variable.assign(variable.numpy() * random.uniform(0.5, 1.5, variable.shape))
        elif variable.path.split("/")[1] in ("encoder", "decoder"):
            variable.assign(5.0 * variable)
        elif variable.path.split("/")[1] in ("predictor", "prior", "posterior"):
            variable.assign(20.0 * variable)
    return model


def trained_looking(precision="float32", **changes):
    """A model far from its initial values, with statistics that no computation may lose."""
    model = small_model(precision, **changes)
    generator = np.random.default_rng(0)
    for weight in (*model.encoder.weights, *model.decoder.weights):
        values = weight.numpy() + 0.2 * generator.normal(size=weight.shape)
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    return model


def parameters(normal):
    """(mean, scale) of a `tfd.Normal` [...] as one array [2, ...]."""
    return np.stack([normal.loc, normal.scale])


def forecast_eagerly(model, *arguments, **options):
    """`model.forecast` without its graph, whose making takes seconds."""
    tf.config.run_functions_eagerly(True)
    try:
        return model.forecast(*arguments, **options)
    finally:
        tf.config.run_functions_eagerly(False)


def random_videos(config, batch, num_frames, seed=0):
    """Uint8 noise [batch, num_frames, H, W, C]."""
    shape = (batch, num_frames, config.frame_size, config.frame_size, config.channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
