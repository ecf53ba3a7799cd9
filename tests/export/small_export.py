"""Small runs, and what is exported of them by the commands themselves."""

import contextlib
import dataclasses
import functools

import numpy as np
import tensorflow as tf
from absl import flags

from export import parity, saved_model, tflite
from export.writers import saved_model as saved_model_writer
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from srvp_tf.cli import command
from srvp_tf.config.registries import MODELS
from srvp_tf.runs.run_folder import RunFolder, load_model, model_variables
from tests.runs import small_run

COLOUR_VGG = "--family=vgg --skips --euler_steps=2 --frame_size=64 --dataset=bair --channels=3"
KINDS = {"dcgan": (), "vgg": tuple(COLOUR_VGG.split())}
SETTINGS = {
    "dcgan": ExportSettings(3, 5, horizon=3, num_samples=2, euler_steps=1, frames_per_step=1),
    "vgg": ExportSettings(4, 5, horizon=3, num_samples=2, euler_steps=4, frames_per_step=2),
}
# The paper's other dynamics, of dcgan.
VARIANTS = {
    "mlp": ("--dynamics=mlp", "--l2_res_weight=0"),
    "gru": ("--dynamics=gru", "--l2_res_weight=0"),
    "no z": ("--nostochastic",),
    "gru, no z": ("--dynamics=gru", "--l2_res_weight=0", "--nostochastic"),
    "svg": ("--model=svg",),
    "svg, skips of the frame before": ("--model=svg", "--family=vgg", "--last_frame_skip"),
}
RUNS = KINDS | VARIANTS
WITH_ACTIONS = {
    "actions": ("--action_size=2", "--euler_steps=2"),
    "svg, actions": ("--model=svg", "--action_size=2"),
    "one frame, actions": ("--action_size=2", "--nt_inf=1"),
}
TFLITE_SETTINGS = ("conditioning_frames", "horizon", "euler_steps", "frames_per_step")


class SmallExport:
    """A run, and what is written of it in a folder: each thing at its first use.

    kind: of `RUNS`.
    folder: an existing, empty one.
    seed: of the weights.
    changes: of the `SETTINGS` of the kind.
    """

    def __init__(self, kind, folder, seed=0, **changes):
        self.kind, self.folder, self.seed = kind, folder, seed
        self.settings = dataclasses.replace(SETTINGS.get(kind, SETTINGS["dcgan"]), **changes)

    @functools.cached_property
    def run_dir(self):
        flags = (RUNS | WITH_ACTIONS)[self.kind]
        return make_run(self.folder / "run", *flags, seed=self.seed)

    @functools.cached_property
    def model(self):
        return load_model(self.run_dir)

    @functools.cached_property
    def changed(self):
        """Names of what a single step returns of the state."""
        if self.model.config.model == "srvp":
            return {"next_y"}
        layers = {"prior": 1, "predictor": 2}
        parts = ("output", "cell")
        names = {f"next_{n}_{p}_{i}" for n, k in layers.items() for p in parts for i in range(k)}
        skips = {f"next_skip_{i}" for i in range(3)} if self.model.config.last_frame_skip else set()
        return names | skips | {"next_features"}

    @functools.cached_property
    def videos(self):
        """Moving digits uint8 [8, 8, H, W, C], in three tints where there is colour."""
        frames, _ = real_frames(RunFolder(self.run_dir).config(), parity.NUM_VIDEOS, 8)
        tints = np.array([1.0, 0.6, 0.3])[: frames.shape[-1]]
        return (frames * tints).astype(np.uint8)

    def given(self, count):
        """uint8 [count, T, H, W, C]: as many frames as a prediction is conditioned on."""
        return self.videos[:count, : self.settings.conditioning_frames]

    def forecast(self, frames, seed, actions=None, **changes):
        """What `SRVP.forecast` says of videos [B, T, H, W, C], each video being number 0."""
        s = dataclasses.replace(self.settings, **changes)
        seed = tf.constant(np.broadcast_to(seed, len(frames)), tf.int64)
        sampling = s.horizon, s.num_samples, seed, s.euler_steps, s.frames_per_step
        ids = np.zeros(len(frames), int)
        return eagerly(self.model.forecast, frames, *sampling, video_ids=ids, actions=actions)

    def flags(self, names=None):
        """The flags that give the settings, or those that are named."""
        settings = vars(self.settings)
        return [f"--{name}={settings[name]}" for name in names or settings]

    def write(self, module, output_flag, output, *arguments):
        """Let a command write; returns `output`."""
        paths = f"--run_dir={self.run_dir}", f"--{output_flag}={output}"
        assert call(module, *paths, *arguments) == 0
        return output

    @functools.cached_property
    def saved_model(self):
        """The version folder that `export.saved_model` wrote for a server that calls it srvp."""
        folder = self.folder / "srvp"
        folder.mkdir()
        with contextlib.chdir(folder):
            self.write(saved_model, "output_dir", ".", *self.flags())
        return folder / "1"

    @functools.cached_property
    def served(self):
        """A version folder that was not compared with the model, which is quicker to write."""
        path = self.folder / "served" / "1"
        saved_model_writer.write_served(path, self.model.frozen(), self.settings)
        return path

    @functools.cached_property
    def noise_inputs(self):
        """A folder with a SavedModel per signature, whose noise is an input."""
        output = self.folder / "noise_inputs"
        return self.write(saved_model, "output_dir", output, "--noise_inputs", *self.flags()) / "1"

    @functools.cached_property
    def tflite_file(self):
        """A TFLite file of two videos per call."""
        output = self.folder / "srvp.tflite"
        return self.write(tflite, "output", output, "--batch=2", *self.flags(TFLITE_SETTINGS))

    @functools.cached_property
    def cases(self):
        """Signature name -> `parity.Case` of as many videos as the commands compare."""
        frames = self.videos[:, : parity.frames_needed(self.settings)]
        return parity.reference_cases(self.model, self.settings, frames)

    @functools.cached_property
    def ask(self):
        """A caller of the signatures of `saved_model`: name, name -> array to name -> array."""
        return saved_model_writer.load_saved_model(self.saved_model)


def make_run(path, *arguments, seed=0):
    """A run folder with the checkpoint of a model of step 7, far from its initial values."""
    config = small_run.config(*arguments)
    run = RunFolder(path)
    run.create(config)
    run.checkpoints().open()
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, variable in model_variables(MODELS[config.model.model](config.model)).items():
        value = variable.numpy() + 0.2 * rng.normal(size=variable.shape).astype(np.float32)
        arrays[name] = np.abs(value) + 0.1 if "variance" in name else value
        if "log_variance/bias" in name:
            arrays[name] += 3.0  # of SVG: samples that differ
        if "dynamics" in name:
            arrays[name] *= 0.3  # else long paths leave the numbers that float32 has
    run.checkpoints().save("last", 7, arrays, {"step": 7, "best_psnr": 12.5})
    return path


def eagerly(function, *arguments, **options):
    """An array that a function computes without its graph, whose making takes seconds."""
    tf.config.run_functions_eagerly(True)
    try:
        return function(*arguments, **options).numpy()
    finally:
        tf.config.run_functions_eagerly(False)


def floats(frames):
    """uint8 -> float32 in [0, 1]."""
    return frames.astype(np.float32) / 255.0


def call(module, *arguments):
    """The exit status of a command."""
    values = flags.FlagValues()
    module.define_flags(values)
    try:
        command.run(module.main, [module.__name__, *map(str, arguments)], values)
    except SystemExit as caught:
        return caught.code or 0


def refusal(capsys, module, *arguments):
    """The line of a command that refuses."""
    assert call(module, *arguments) in (1, 2)
    return capsys.readouterr().err.strip().splitlines()[-1]
