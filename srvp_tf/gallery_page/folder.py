"""The folder of a page: whole or not there, and in no one else's place."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from srvp_tf._version import __version__
from srvp_tf.errors import UserError
from srvp_tf.runs import atomic_files

LISTING = "gallery.json"


class Kind(NamedTuple):
    """What a folder is: the file that lists its files, the command that made it, what to call it.

    A folder takes the place of one of its own kind alone.
    """

    listing: str
    generator: str
    name: str


GALLERY = Kind(LISTING, "srvp_tf.gallery", "gallery")
DEMO = Kind("demo.json", "export.web", "demo")


def check_replaceable(path: Path, kind: Kind = GALLERY) -> None:
    """Raise `UserError` unless `path` is free, an empty folder, or one of a kind and no more."""
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
    if foreign := sorted(found - _listed(path, kind)):
        raise UserError(
            f"--output={path} holds {foreign[0]}, no {kind.name}'s: name another folder"
        )


def address_of_demo(folder: str | None, output: Path) -> str:
    """The relative address of a demo, seen from the gallery; empty if there is none."""
    if not folder:
        return ""
    path = Path(folder).resolve()
    if not _listed(path, DEMO):
        raise UserError(f"--demo={folder} is no demo: write one with `python -m export.web`")
    return quote(os.path.relpath(path, output)) + "/index.html"


@contextlib.contextmanager
def replacing_gallery(path: Path, kind: Kind = GALLERY) -> Iterator[Path]:
    """Context: a new folder, which takes the place of `path` when all went well.

    What was written into it is listed in it, so that a later one may take its place in turn.

    Raises:
        UserError: see `check_replaceable`.
    """
    check_replaceable(path, kind)
    with atomic_files.replacing_folder(path) as fresh:
        yield fresh
        _write_listing(fresh, kind)
        check_replaceable(path, kind)  # it may have changed while the page was made


def _write_listing(folder, kind):
    files = sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())
    listing = {"generator": kind.generator, "srvp_tf_version": __version__, "files": files}
    (folder / kind.listing).write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")


def _listed(folder, kind):
    """The files that a folder says are its own; none if it is not of the kind."""
    try:
        listing = json.loads((folder / kind.listing).read_text(encoding="utf-8"))
        is_ours = listing["generator"] == kind.generator
        return {kind.listing, *map(str, listing["files"])} if is_ours else set()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
