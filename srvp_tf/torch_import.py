"""Bring the authors' weights: an official experiment folder becomes a run folder.

    python -m srvp_tf.torch_import --xp_dir=kth_experiment --run_dir=runs/kth

It is then evaluated, drawn from, exported and fine-tuned (train --init_from) as any other. Only
training cannot go on in it: PyTorch's file holds the weights alone, not Adam's moments.
"""

import dataclasses
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from absl import flags

from srvp_tf.authors.settings import read_config
from srvp_tf.cli import command
from srvp_tf.config import Config, corpora
from srvp_tf.config.corpora import define_path, local_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.run_folder import model_variables
from srvp_tf.runs.torch_weights import read_state_dict, to_array
from srvp_tf.runs.weights_folder import check_unused, write_weights_folder

MODEL, BEST_MODEL = "model.pt", "model_best.pt"


class Imported(NamedTuple):
    """What an import brought: the run's `Config`, numbers of tensors and of parameters."""

    config: Config
    num_tensors: int
    num_parameters: int


def define_flags(flag_values):
    """The flags of this command."""
    define_path("xp_dir", None, "official experiment folder", flag_values)
    define_path("run_dir", None, "run folder to make", flag_values)
    flags.DEFINE_string(
        "model_name", MODEL, f"file of weights in it; also {BEST_MODEL}", flag_values=flag_values
    )


def main(flag_values):
    """Import; returns the exit status."""
    for name in ("xp_dir", "run_dir", "model_name"):
        if not flag_values[name].value:
            raise UserError(f"--{name} is missing: {flag_values[name].help}")
    start_tensorflow(deterministic=True)
    xp_dir, run_dir = Path(flag_values.xp_dir), flag_values.run_dir
    config, num_tensors, num_parameters = import_experiment(xp_dir, run_dir, flag_values.model_name)
    dataset = config.data.dataset
    print(
        f"{run_dir}: {num_tensors} tensors, {num_parameters:,} parameters of a {dataset} model, "
        f"judged by its {config.eval.checkpoint!r} checkpoint"
    )
    if flag_values.model_name == MODEL and (xp_dir / BEST_MODEL).is_file():
        print(f"this is the last model; the best in validation: --model_name={BEST_MODEL}")
    run = f"--run_dir={shlex.quote(run_dir)}"
    if dataset == "moving_mnist":
        print(f"next: python -m srvp_tf.evaluate {run} --digits=idx --digits_dir=FOLDER")
        print(f"({corpora.EMBEDDED_DIGITS})")
    else:
        print(f"next: python -m srvp_tf.generate {run} --input=VIDEO")
    return 0


def import_experiment(xp_dir, run_dir, model_name=MODEL):
    """Make a run folder of an official experiment folder: wholly, or not at all.

    The weights become the "last" checkpoint, those of model_best.pt the "best" one as well. The
    configuration judges the one that is published for the dataset, if it is there.

    Returns:
        An `Imported`.

    Raises:
        UserError: `run_dir` is in use, torch is missing, a file is missing, damaged or no official
            one, or the weights are not those of the model that config.json describes.
    """
    xp_dir, run_dir = local_path(xp_dir), local_path(run_dir).resolve()
    check_unused(run_dir)
    config = read_config(xp_dir / "config.json")
    source = xp_dir / model_name
    state = read_state_dict(source)
    kinds = ("last", "best") if source.name == BEST_MODEL else ("last",)
    config = _judging(config, kinds)
    from srvp_tf.models.outline import outline
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training.state import Status

    check(outline(config.model), state, source)  # sizes that the file lacks take no memory
    model = SRVP(config.model)
    assign(model, state, source)
    metadata = {**Status(step=_step(config, source))._asdict(), "imported_from": str(source)}
    arrays = checkpoints.values(model_variables(model))
    write_weights_folder(run_dir, config, arrays, metadata, kinds)
    return Imported(config, len(state), model.count_params())


def assign(model, state, source):
    """Give a model the tensors of an official state dict, strictly by name and shape.

    Raises:
        UserError: as `check`, or names the tensor that is not float32, or not finite.
    """
    expected = check(model, state, source)
    arrays = {name: to_array(tensor, name, source) for name, tensor in state.items()}
    for name, tensor in expected.items():
        tensor.variable.assign(tensor.from_torch(arrays[name]))


def check(model, state, source):
    """The `torch_names.torch_tensors` of a model, or of its outline, held against a state dict.

    Raises:
        UserError: names the tensor that is missing, left over or misshapen.
    """
    from srvp_tf.authors.names import torch_tensors

    expected = torch_tensors(model)
    missing = [name for name in expected if name not in state]
    unknown = [name for name in state if name not in expected]
    if missing or unknown:
        names = [f"lacks {missing[0]}"] if missing else []
        names += [f"has {unknown[0]}, which such a model lacks"] if unknown else []
        raise UserError(
            f"{source} does not fit its config.json: it {' and '.join(names)} "
            f"({len(missing)} missing, {len(unknown)} left over)"
        )
    for name, (variable, axes) in expected.items():
        ours = list(variable.shape)
        theirs = ours if axes is None else [ours[axes.index(i)] for i in range(len(axes))]
        if list(state[name].shape) != theirs:
            raise UserError(
                f"{source} does not fit its config.json: {name} is {list(state[name].shape)}, "
                f"expected {theirs}"
            )
    return expected


def _judging(config, kinds):
    """The configuration, made to judge a checkpoint that there will be."""
    if config.eval.checkpoint in kinds:
        return config
    return dataclasses.replace(config, eval=dataclasses.replace(config.eval, checkpoint="last"))


def _step(config, source):
    """The training step that the weights are of: the last, unless the file's name tells it."""
    numbered = re.fullmatch(r"model_(\d+)\.pt", source.name)
    return int(numbered[1]) if numbered else config.train.num_steps


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
