"""Small runs, exported once per session by the commands themselves."""

import functools
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags

from export import saved_model
from export.writers import saved_model as saved_model_writer
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from srvp_tf.cli import command
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs.run_folder import RunFolder, load_model, model_variables
from tests.runs import small_run

COLOUR_VGG = "--family=vgg --skips --euler_steps=2 --frame_size=64 --dataset=bair --channels=3"
KINDS = {"dcgan": (), "vgg": tuple(COLOUR_VGG.split())}
SETTINGS = {
    "dcgan": ExportSettings(3, 5, horizon=4, num_samples=3, euler_steps=1, frames_per_step=1),
    "vgg": ExportSettings(4, 4, horizon=3, num_samples=2, euler_steps=4, frames_per_step=2),
}
_kept = []


@functools.cache
def run_dir(kind):
    """A run folder of a kind, whose weights are far from their initial values."""
    return make_run(new_folder() / "run", *KINDS[kind])


def make_run(path, *arguments):
    """A run folder with the checkpoint of a model of step 7."""
    config = small_run.config(*arguments)
    run = RunFolder(path)
    run.create(config)
    run.checkpoints().open()
    rng = np.random.default_rng(0)
    arrays = {}
    for name, variable in model_variables(SRVP(config.model)).items():
        value = variable.numpy() + 0.2 * rng.normal(size=variable.shape).astype(np.float32)
        arrays[name] = np.abs(value) + 0.1 if "variance" in name else value
        if "dynamics" in name:
            arrays[name] *= 0.3  # else long paths leave the numbers that float32 has
    run.checkpoints().save("last", 7, arrays, {"step": 7, "best_psnr": 12.5})
    return path


@functools.cache
def model(kind):
    """The Keras model of a kind."""
    return load_model(run_dir(kind))


def served(kind):
    """The version folder that `export.saved_model` wrote for a kind."""
    status, folder = _exported(kind)
    assert status == 0
    return folder


@functools.cache
def _exported(kind):
    output_dir = new_folder() / "srvp"
    arguments = [f"--run_dir={run_dir(kind)}", f"--output_dir={output_dir}"]
    return call(saved_model, *arguments, *settings_flags(kind)), output_dir / "1"


def settings_flags(kind):
    """The flags that give `SETTINGS` of a kind."""
    return [f"--{name}={value}" for name, value in vars(SETTINGS[kind]).items()]


@functools.cache
def signatures(kind):
    """A caller of the signatures of `served`: name, name -> array to name -> array."""
    return saved_model_writer.load_saved_model(served(kind))


@functools.cache
def videos(kind, count=3, num_frames=8):
    """Moving digits uint8 [count, T, H, W, C], in three tints where there is colour."""
    config = RunFolder(run_dir(kind)).config()
    frames, _ = real_frames(config, count, num_frames)
    tints = np.array([1.0, 0.6, 0.3])[: frames.shape[-1]]
    return (frames * tints).astype(np.uint8)


def floats(frames):
    """uint8 -> float32 in [0, 1]."""
    return frames.astype(np.float32) / 255.0


def forecast(kind, frames, seed, settings=None):
    """What `SRVP.forecast` says of videos [B, T, H, W, C], each video being number 0."""
    s = settings or SETTINGS[kind]
    ids = np.zeros(len(frames), int)
    seed = tf.constant(seed, tf.int64)
    sampling = s.horizon, s.num_samples, seed, s.euler_steps, s.frames_per_step
    return model(kind).forecast(frames, *sampling, video_ids=ids).numpy()


def call(module, *arguments):
    """The exit status of a command."""
    values = flags.FlagValues()
    module.define_flags(values)
    try:
        command.run(module.main, [module.__name__, *map(str, arguments)], values)
    except SystemExit as caught:
        return caught.code or 0


def new_folder():
    """An empty folder that lives as long as the session."""
    _kept.append(tempfile.TemporaryDirectory())
    return Path(_kept[-1].name)
