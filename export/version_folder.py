"""The numbered folders that TensorFlow Serving polls: a version is whole or not there."""

import contextlib
import os
import shutil
from pathlib import Path

from srvp_tf.errors import UserError


def choose_version(output_dir, version=None):
    """The number of the version to write: `version`, or the highest one there and 1 more.

    Raises:
        UserError: `version` exists or is no version number, or the folder takes no files.
    """
    output_dir = Path(output_dir)
    parent = next(path for path in (output_dir, *output_dir.absolute().parents) if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--output_dir={output_dir} cannot be written: {parent} takes no files")
    if version is None:
        names = [path.name for path in output_dir.iterdir()] if output_dir.is_dir() else []
        return max((int(name) for name in names if _is_version(name)), default=0) + 1
    if version < 1:
        raise UserError(f"--version={version} must be at least 1")
    if (output_dir / str(version)).exists():
        raise UserError(
            f"{output_dir / str(version)} exists and may be served: give another --version, or "
            "none for the next one"
        )
    return version


@contextlib.contextmanager
def new_version(output_dir, version):
    """Context: a folder that becomes `output_dir`/`version` when all went well, else vanishes.

    Until then its name is no number, so that servers pass it over.
    """
    path = Path(output_dir, str(version))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_version(name):
    return name.isascii() and name.isdecimal()
