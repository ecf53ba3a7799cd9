"""Writing a run folder that holds weights and no state of training."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from srvp_tf.config import Config
from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError
from srvp_tf.runs.atomic_files import temporary_folder
from srvp_tf.runs.run_folder import RunFolder


def check_unused(run_dir: str | os.PathLike) -> None:
    """Raise `UserError` if a folder is there that is not empty."""
    run_dir = local_path(run_dir)
    if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise UserError(f"{run_dir} exists and is not empty: choose another folder")


def write_weights_folder(
    run_dir: str | os.PathLike,
    config: Config,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    kinds: Sequence[str] = ("last",),
) -> None:
    """Write a run folder under another name, then rename it.

    Args:
        run_dir: its path; an empty folder at most is there.
        arrays: name -> array of the weights, as checkpoints call them.
        metadata: of the checkpoint; `step` names it, `imported_from` says where it is from, which
            tells training that it cannot go on here.
        kinds: of "last" and "best".

    Raises:
        UserError: it cannot be written.
    """
    run_dir = local_path(run_dir).resolve()
    try:
        with temporary_folder(run_dir) as partial:
            folder = RunFolder(partial)
            folder.create(config)
            store = folder.checkpoints()
            store.open()
            for kind in kinds:
                store.save(kind, metadata["step"], arrays, metadata)
            os.rename(partial, run_dir)  # over an empty folder at most
    except OSError as error:
        raise UserError(
            f"{run_dir} cannot be written ({error.strerror}): choose another folder"
        ) from None
