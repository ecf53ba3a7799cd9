"""The published settings that are measured: full-size networks from configs/, on random clips."""

import dataclasses

import numpy as np
from absl import flags

from benchmarks.harness import timed
from srvp_tf.cli import command
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow

# Videos per training step: few, as the published batches do not fit every machine.
TRAINING_BATCH = {"quickstart": 16, "smmnist": 8, "kth": 2, "bair": 4}
STEPS_OF_TURN = {"quickstart": 10}  # else 1


def config_of(setting, *more):
    """The `Config` of configs/<setting>.cfg and more flags."""
    return config_of_flags(f"--flagfile={command.resolve_flagfile(f'{setting}.cfg')}", *more)


def config_of_flags(*given):
    """The `Config` of flags."""
    values = flags.FlagValues()
    define_config_flags(values)
    values(["benchmark", *given])
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


def sampling_of(model, nt_cond, videos, num_samples):
    """A function that draws futures of `videos` in the memory that evaluation has."""
    import tensorflow as tf

    from srvp_tf.forecasting.sampling import Sampler

    sampler = Sampler(model, nt_cond, videos.shape[1], seed=0)
    predict, ids = tf.function(sampler.predict, reduce_retracing=True), tf.range(len(videos))

    def draw():
        inferred = sampler.infer(videos)
        for samples in sampler.chunks(len(videos), num_samples):
            predict(inferred, ids, samples)[0, 0, 0, 0, 0].numpy()

    return draw


def training_step_of(setting, variant="ours", batch=None):
    """(`TrainingStep`, clips) of a setting and variant; `batch` videos, or few."""
    from srvp_tf.training.step import TrainingStep

    config = config_of(setting)
    model = model_of(config.model, variant)
    # All frames are decoded: rates of arithmetic count them.
    train = dataclasses.replace(config.train, precision=model.precision, decoded_frames=0)
    clips = clips_of(config.model, batch or TRAINING_BATCH[setting], config.data.train_length)
    return TrainingStep(model, train), clips


def training_turn(setting, deterministic, batch=None):
    """Start TensorFlow; a function that trains for a turn: seconds per step, [clock, CPU]."""
    start_tensorflow(deterministic)
    step, clips = training_step_of(setting, batch=batch)
    steps = STEPS_OF_TURN.get(setting, 1)

    def train():
        for number in range(1, steps + 1):
            gradient_norm = step(clips, number).gradient_norm
        gradient_norm.numpy()

    return lambda: timed(train) / steps


def few_steps(warm_up, measured):
    """Flags of a training of so many steps that logs each span of `warm_up` of them."""
    steps = f"--lr_burnin={warm_up + measured}", "--lr_decay=0", f"--log_interval={warm_up}"
    return *steps, "--val_batches=1", "--val_batch_size=1", "--val_samples=1"


def logged(run_dir, tag, warm_up):
    """What a run logged under a tag after its first `warm_up` steps, a list of floats."""
    from tests.runs import small_run

    found = small_run.logged(f"{run_dir}/logs")[tag]
    return [float(value) for step, value in found.items() if step > warm_up]
