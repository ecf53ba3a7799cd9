"""Tiny training runs for the tests."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from srvp_tf import train
from srvp_tf.config import config_fields
from srvp_tf.config.flags import config_from_flags
from srvp_tf.config.registries import MODELS
from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from srvp_tf.training.strategy import mirrored_strategy
from srvp_tf.training.trainer import Trainer

NUM_STEPS = 12
FLAGS = (
    "--num_digits=1 --frame_size=32 --nt_cond=3 --nt_inf=2 --train_length=4 --val_length=5 "
    "--test_length=6 --nf=2 --nhx=8 --ny=3 --nz=3 --nh_inf=8 --nh_res=8 --nlayers_inf=2 "
    "--nlayers_res=2 --batch_size=4 --lr_burnin=6 --lr_decay=6 --val_interval=5 --val_batches=1 "
    "--val_batch_size=2 --val_samples=3 --log_interval=2 --checkpoint_interval=4 --num_videos=6 "
    "--num_samples=3 --eval_batch_size=4"
).split()
VGG = ("--family=vgg", "--skips")
SVG = ("--model=svg",)


def model_of(arguments):
    """The model that flags name."""
    return next((x.removeprefix("--model=") for x in arguments if "--model=" in x), "srvp")


def flags_of(model):
    """Those of `FLAGS` that a model has."""
    others = {
        spec.name
        for _, spec in config_fields()
        if spec.metadata["models"] and model not in spec.metadata["models"]
    }
    return [flag for flag in FLAGS if flag.strip("-").partition("=")[0] not in others]


def config(*arguments):
    """The `Config` of a tiny run, with other flags put over it."""
    values = flags.FlagValues()
    train.define_flags(values)
    values(["train", *flags_of(model_of(arguments)), *arguments])
    return config_from_flags(values)


def frames(c, num_batches, batch_size, length, seed=0):
    """Random uint8 clips [num_batches, B, T, H, W, C] for a `Config`."""
    size = (c.model.frame_size, c.model.frame_size, c.model.channels)
    shape = (num_batches, batch_size, length, *size)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def training_data(c):
    """A dataset of as many batches as the run has steps."""
    clips = frames(c, c.train.num_steps, c.train.batch_size, c.data.train_length)
    return tf.data.Dataset.from_tensor_slices(clips)


def validation_data(c):
    """A dataset of one batch."""
    clips = frames(c, 1, c.train.val_batch_size, c.data.val_length, seed=1)
    return tf.data.Dataset.from_tensor_slices(clips)


def one_device():
    """The tests see two logical devices; this strategy uses one."""
    return mirrored_strategy("/device:CPU:0")


def trainer(c, run_dir, **options):
    """A `Trainer` on one device."""
    return Trainer(c, run_dir, **({"strategy": one_device()} | options))


_first = {}  # what graphs depend on -> (the first trainer of this process, its initial values)
_NO_PART_OF_GRAPHS = (
    "val_interval log_interval checkpoint_interval keep_last max_skipped_steps".split()
)


def sharing_trainer(c, run_dir):
    """A `Trainer` on one device with the model and the graphs of the first one that has the same.

    Most of a tiny run's time is the making of its graphs. Of the trainers that share them one may
    be used at a time.
    """
    train = dataclasses.replace(c.train, **dict.fromkeys(_NO_PART_OF_GRAPHS, 1))
    key = str((c.model, c.data, train))
    with pytest.MonkeyPatch.context() as patch:
        if key in _first:
            first, initial = _first[key]
            for name, part in (
                ("TrainingStep", first.training_step),
                ("Validator", first.validator),
            ):
                patch.setattr(f"srvp_tf.training.trainer.{name}", lambda *_, part=part: part)
            patch.setitem(MODELS.data, c.model.model, lambda *_: first.model)
            for variable, value in zip(first._variables().values(), initial, strict=True):
                variable.assign(value)
        made = trainer(c, run_dir)
    if made.status.step == 0:
        initial = [variable.numpy() for variable in made._variables().values()]
        _first.setdefault(key, (made, initial))
    return made


def run(c, run_dir, training=None, validation=None):
    """Train, or go on, on one device; the signal that stopped it, or None."""
    return sharing_trainer(c, run_dir).train(
        training_data(c) if training is None else training,
        validation_data(c) if validation is None else validation,
    )


def saved(run_dir, kind="last"):
    """(arrays, metadata) of a run's newest checkpoint."""
    return checkpoints.read_checkpoint(CheckpointFolder(Path(run_dir, "checkpoints")).newest(kind))


def logged(folder):
    """Tag -> {step: value} of all that TensorBoard shows; a step shown twice is an error."""
    accumulator = EventAccumulator(str(folder), {"tensors": 0})
    accumulator.Reload()
    shown = {}
    for tag in accumulator.Tags()["tensors"]:
        events = accumulator.Tensors(tag)
        shown[tag] = {e.step: make_ndarray(e.tensor_proto) for e in events}
        assert len(shown[tag]) == len(events), tag
    return shown


def assert_same_run(run_dir, other):
    """Both end at one step with the same bits in every array, best and last."""
    for kind in ("last", "best"):
        (arrays, metadata), (expected, expected_metadata) = saved(run_dir, kind), saved(other, kind)
        assert metadata | {"elapsed_seconds": 0} == expected_metadata | {"elapsed_seconds": 0}
        assert arrays.keys() == expected.keys()
        differing = [n for n in expected if arrays[n].tobytes() != expected[n].tobytes()]
        assert not differing
