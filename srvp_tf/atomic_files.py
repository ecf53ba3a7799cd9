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
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left in a folder."""
    for path in folder.glob(LEFTOVERS):
        path.unlink()
