"""Files and folders that are either whole or not there."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

LEFTOVERS = ".*.tmp"
"""Pattern of what a killed process may leave beside the files that it wrote."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Context that gives a temporary path beside `path`; its file takes `path`'s place at the end.

    It reaches the disk before it is renamed. After an error it is gone, and `path` is as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            _sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Context that gives a new folder beside `path`; it takes `path`'s place at the end.

    After an error it is gone, and `path` is as it was. What may be replaced, the caller must say.
    """
    fresh, old = (path.with_name(f".{path.name}.{os.getpid()}.{kind}") for kind in ("tmp", "old"))
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    finally:
        if old.exists() and not path.exists():  # stopped between the two renamings
            old.rename(path)
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def remove_leftovers(folder: Path, pattern: str = LEFTOVERS) -> None:
    """Delete the files that killed processes left in a folder in which no live one writes."""
    for path in folder.glob(pattern):
        if path.is_file():
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
