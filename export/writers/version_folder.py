"""The numbered folders that TensorFlow Serving polls: a version is whole or not there."""

import contextlib
import dataclasses
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError
from srvp_tf.runs.atomic_files import temporary_folder


def choose_version(output_dir: str | os.PathLike, version: int | None = None) -> int:
    """The number of the version to write: `version`, or the highest one there and 1 more.

    Raises:
        UserError: `version` exists or is no version number, or the folder takes no files.
    """
    output_dir = local_path(output_dir)
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


def check_kind(output_dir: str | os.PathLike, seeded: bool) -> None:
    """Raises `UserError` if a version in the folder, which need not exist, is of the other kind.

    A seeded one is a SavedModel for a server; the other kind has one in a folder for each
    signature, which a server would try to load in vain.
    """
    for path in sorted(local_path(output_dir).glob("[0-9]*")):
        if _is_version(path.name):
            other = "*/saved_model.pb" if seeded else "saved_model.pb"
            if next(path.glob(other), None):
                kind = "noise inputs" if seeded else "seeds, for a server"
                raise UserError(
                    f"--output_dir={output_dir} holds version {path.name} with {kind}: "
                    f"{'without' if seeded else 'with'} --noise_inputs choose another folder"
                )


@dataclasses.dataclass
class NewVersion:
    """A version in the making: the folder to write, and where it will be."""

    folder: Path
    path: Path


@contextlib.contextmanager
def new_version(
    output_dir: str | os.PathLike, version: int, or_later: bool = False
) -> Iterator[NewVersion]:
    """Context: `NewVersion`, of a folder that gets its number when all went well, else vanishes.

    Until then its name is no number, so that servers pass it over. If another export has taken the
    number meanwhile, `or_later` takes the next one that is free; else `UserError` is raised.
    """
    path = local_path(output_dir) / str(version)
    with temporary_folder(path) as temporary:
        new = NewVersion(temporary, path)
        yield new
        for file in temporary.rglob("*"):
            if file.is_file():
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        while not _renamed(temporary, new.path):
            if not or_later:
                raise UserError(
                    f"{path} was written by another export meanwhile: give another --version, or "
                    "none for the next one"
                )
            new.path = path.parent / str(choose_version(output_dir))


def _renamed(folder: Path, path: Path) -> bool:
    """Whether a folder could take this name: False if another has it."""
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdecimal()
