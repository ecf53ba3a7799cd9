"""Paths that a user gives: `data_pipelines.paths`, with this package's error."""

import os
from pathlib import Path

from data_pipelines import paths
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path, define_paths
from srvp_tf.errors import UserError

__all__ = ["define_path", "define_paths", "local_path"]


def local_path(path: str | os.PathLike) -> Path:
    """See `data_pipelines.paths.local_path`; raises `UserError`."""
    try:
        return paths.local_path(path)
    except DataError as error:
        raise UserError(str(error)) from None
