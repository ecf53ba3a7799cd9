"""The run that is exported: its flags, its model, and what the metadata tell of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from absl import flags

from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config import Config
from srvp_tf.config.fields import parse_json, read_text
from srvp_tf.config.flags import define_checkpoint_flag
from srvp_tf.errors import UserError

if TYPE_CHECKING:
    from srvp_tf.models.video_model import VideoModel


class SourceRun(NamedTuple):
    """Folder and `Config` of a run, and the path of one of its checkpoints."""

    folder: Path
    config: Config
    checkpoint: Path


def define_run_flags(flag_values: flags.FlagValues) -> None:
    """--run_dir and --checkpoint."""
    define_run_flag(flag_values)
    define_checkpoint_flag(flag_values)


def open_source_run(flag_values: flags.FlagValues, needs: str | None = None) -> SourceRun:
    """The `SourceRun` that flags name; `UserError` unless its model has the experiment `needs`."""
    run = run_from_flags(flag_values)
    model = run.config().model
    if needs and model.action_size:
        raise UserError(
            f"--action_size={model.action_size}: this export is not for models with actions; use "
            "export.saved_model or export.tflite"
        )
    if needs and needs not in model.experiments:
        raise UserError(f"{model.kind} has no {needs}, which this export needs: take another model")
    return SourceRun(run.results, run.config(), run.checkpoint_path(flag_values.checkpoint))


def load_source(run: SourceRun) -> "tuple[VideoModel, dict]":
    """The model of a `SourceRun` in float32, and where it comes from, for the metadata."""
    from srvp_tf.models.video_model import VideoModel
    from srvp_tf.runs.run_folder import read_model

    model, saved = read_model(run.config.model, run.checkpoint)
    if type(model).encode_state is VideoModel.encode_state:
        raise UserError(f"{run.config.model.kind} has no stream to export: see VideoModel")
    origin = {
        "run": run.folder.name,
        "checkpoint": run.checkpoint.name,
        "step": saved.get("step"),
        "best_psnr": saved.get("best_psnr"),
        "evaluation": evaluation(run, saved.get("step")),
    }
    return model, origin


def evaluation(run: SourceRun, step: int | None) -> dict | None:
    """Test results of this checkpoint, as `evaluate` left them in the run; None if there are none.

    They are a service to the reader: whatever is wrong with the file, the export goes on.
    """
    try:
        path = run.folder / "evaluation" / "results.json"
        report = parse_json(read_text(path), path)
        is_same = report["step"] == step and run.checkpoint.name.startswith(report["checkpoint"])
        json.dumps(report["metrics"], allow_nan=False)  # can be told in turn
        return report["metrics"] if is_same else None
    except (UserError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
