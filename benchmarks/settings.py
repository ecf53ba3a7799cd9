"""The published settings that are measured: full-size networks from configs/, on random clips."""

import dataclasses

import numpy as np
from absl import flags

from srvp_tf.cli import command
from srvp_tf.config.flags import config_from_flags, define_config_flags

# Videos per training step: few, as the published batches do not fit every machine.
TRAINING_BATCH = {"quickstart": 16, "smmnist": 8, "kth": 2, "bair": 4}


def config_of(setting):
    """The `Config` of configs/<setting>.cfg."""
    values = flags.FlagValues()
    define_config_flags(values)
    values(["benchmark", f"--flagfile={command.resolve_flagfile(f'{setting}.cfg')}"])
    return config_from_flags(values)


def model_of(model_config, variant="ours"):
    """A model with initial weights: "plain", or "ours" with any of ", bf16" and ", frozen"."""
    from benchmarks.plain import plain_copy
    from srvp_tf.models.srvp import SRVP

    model = SRVP(model_config, precision="mixed_bfloat16" if "bf16" in variant else "float32")
    if "frozen" in variant:
        return model.frozen()
    return plain_copy(model) if variant == "plain" else model


def clips_of(model_config, batch, num_frames):
    """Random uint8 clips [batch, num_frames, H, W, C]."""
    c = model_config
    shape = (batch, num_frames, c.frame_size, c.frame_size, c.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def training_step_of(setting, variant, batch=None):
    """(`TrainingStep`, clips) of a setting and variant; `batch` videos, or few."""
    from srvp_tf.training.step import TrainingStep

    config = config_of(setting)
    model = model_of(config.model, variant)
    # All frames are decoded: rates of arithmetic count them.
    train = dataclasses.replace(config.train, precision=model.precision, decoded_frames=0)
    clips = clips_of(config.model, batch or TRAINING_BATCH[setting], config.data.train_length)
    return TrainingStep(model, train), clips
