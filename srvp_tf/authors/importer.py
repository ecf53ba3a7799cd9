"""Makes a run folder of an official experiment folder."""

import re
from typing import NamedTuple

from srvp_tf.authors.settings import read_config
from srvp_tf.config import Config
from srvp_tf.config.corpora import local_path
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
    if config.eval.checkpoint not in kinds:
        config = config.replace(checkpoint="last")
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training.state import Status

    model = SRVP(config.model)
    assign_tensors(model, state, source)
    metadata = {**Status(step=_step(config, source))._asdict(), "imported_from": str(source)}
    arrays = checkpoints.values(model_variables(model))
    write_weights_folder(run_dir, config, arrays, metadata, kinds)
    return Imported(config, len(state), model.count_params())


def assign_tensors(model, state, source):
    """Give a model the tensors of an official state dict, strictly by name and shape.

    Raises:
        UserError: as `match_tensors`, or names the tensor that is not float32, or not finite.
    """
    expected = match_tensors(model, state, source)
    arrays = {name: to_array(tensor, name, source) for name, tensor in state.items()}
    for name, tensor in expected.items():
        tensor.variable.assign(tensor.from_torch(arrays[name]))


def match_tensors(model, state, source):
    """The `authors.names.torch_tensors` of a model, held against a state dict.

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


def _step(config, source):
    """The training step that the weights are of: the last, unless the file's name tells it."""
    numbered = re.fullmatch(r"model_(\d+)\.pt", source.name)
    return int(numbered[1]) if numbered else config.train.num_steps
