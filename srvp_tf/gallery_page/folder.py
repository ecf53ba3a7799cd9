"""The folder of a page: whole or not there, and in no one else's place."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from srvp_tf._version import __version__
from srvp_tf.errors import UserError
from srvp_tf.runs import atomic_files

LISTING = "gallery.json"
_GENERATOR = "srvp_tf.gallery"


def check_replaceable(path: Path) -> None:
    """Raise `UserError` unless `path` is free, an empty folder, or a gallery and nothing else."""
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise UserError(f"--output={path} cannot be written: {parent} takes no files")
        return
    if not path.is_dir():
        raise UserError(f"--output={path} is a file: name a folder")
    if path.is_mount() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise UserError(f"--output={path} cannot be replaced: name a folder in a writable one")
    found = {file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir()}
    if foreign := sorted(found - _listed(path)):
        raise UserError(f"--output={path} holds {foreign[0]}, no gallery's: name another folder")


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Context: a new folder, which takes the place of `path` when all went well.

    What was written into it is listed in it, so that a later gallery may take its place in turn.

    Raises:
        UserError: see `check_replaceable`.
    """
    check_replaceable(path)
    with atomic_files.replacing_folder(path) as fresh:
        yield fresh
        _write_listing(fresh)
        check_replaceable(path)  # it may have changed while the page was made


def _write_listing(folder):
    files = sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())
    listing = {"generator": _GENERATOR, "srvp_tf_version": __version__, "files": files}
    (folder / LISTING).write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")


def _listed(folder):
    """The files that a gallery in `folder` says are its own; none if there is no gallery."""
    try:
        listing = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        is_ours = listing["generator"] == _GENERATOR
        return {LISTING, *map(str, listing["files"])} if is_ours else set()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
