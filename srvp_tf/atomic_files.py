"""Files that are either whole or not there."""

import contextlib
import os
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
