"""What a resumed run needs: weights, optimiser and loss scale as arrays, the rest as a `Status`."""

import sys
from typing import NamedTuple

import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.models.video_model import VideoModel
from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import SET_ASIDE, CheckpointFolder
from srvp_tf.runs.run_folder import model_variables
from srvp_tf.training.step import TrainingStep


class Status(NamedTuple):
    """Where a run stands, as saved with each checkpoint. Data and noise follow from `step`.

    pending_validation: that of `step` was cut short, and is due. skipped_in_a_row: the last steps,
    skipped for numbers that were not finite.
    """

    step: int = 0
    best_psnr: float | None = None
    best_step: int | None = None
    elapsed_seconds: float = 0.0
    pending_validation: bool = False
    skipped_in_a_row: int = 0


def state_variables(model: VideoModel, training_step: TrainingStep) -> dict[str, tf.Variable]:
    """Name -> variable of everything that a resumed run needs."""
    named = model_variables(model)
    trainable = [variable.path.partition("/")[2] for variable in model.trainable_variables]
    optimizer = training_step.optimizer
    for kind, of_keras in (("first_moment", "momentum"), ("second_moment", "velocity")):
        moments = [v.value for v in optimizer.variables if v.path.endswith(of_keras)]
        pairs = zip(trainable, moments, strict=True)
        named |= {f"adam/{kind}/{name}": moment for name, moment in pairs}
    named["adam/step"] = optimizer.iterations.value
    return named | {v.name.partition(":")[0]: v for v in training_step.loss_scale.variables}


def restore_newest(
    folder: CheckpointFolder, variables: dict[str, tf.Variable], may_rename: bool = True
) -> Status | None:
    """Give variables the values of the newest checkpoint that is whole, the last or the best.

    Newer ones that are damaged are named, a line each, and set aside if this process `may_rename`.

    Returns:
        Its `Status`; None if there is no checkpoint.

    Raises:
        UserError: all are damaged, or the newest is imported, or of another model or format.
    """
    if folder.newest_step() < 0:
        return None
    path, contents, damaged = folder.newest_whole()
    if path is None:
        raise UserError(
            f"every checkpoint in {folder.folder} is damaged: restore one from a copy, or choose "
            "another --run_dir"
        )
    arrays, metadata = contents
    if "imported_from" in metadata:
        raise UserError(
            f"{path} was imported: it has weights but no state of Adam to go on from; train in "
            f"a new --run_dir with --init_from={folder.folder.parent}"
        )
    checkpoints.assign_arrays(variables, arrays, path)
    for broken in damaged if may_rename else ():
        folder.set_aside(broken)
        print(
            f"{broken} is damaged: renamed to *{SET_ASIDE} until the next checkpoint, "
            f"going on from {path.name}",
            file=sys.stderr,
        )
    known = {name: metadata[name] for name in Status._fields if name in metadata}
    return Status(**known)
