"""Files and folders that are either whole or not there."""

import contextlib
import glob
import os
import shutil
import socket
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
    temporary = temporary_path(path)
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
    if not path.exists():
        for old in _abandoned(path, "old"):  # killed between the two renamings
            old.rename(path)
            break
    fresh, old = temporary_path(path), temporary_path(path, "old")
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


def temporary_path(path: Path, kind: str = "tmp") -> Path:
    """A free name beside `path` for this process; what killed ones of this host left there goes."""
    for leftover in _abandoned(path, kind):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.{kind}")


def _abandoned(path: Path, kind: str) -> list[Path]:
    """What processes of this host that live no more called `temporary_path`."""
    start, end = f".{path.name}.{socket.gethostname()}.", f".{kind}"
    found = path.parent.glob(f"{glob.escape(start)}*{end}")
    owners = ((leftover.name[len(start) : -len(end)], leftover) for leftover in found)
    return [x for owner, x in owners if owner.isdecimal() and not _is_another_alive(int(owner))]


def _is_another_alive(pid: int) -> bool:
    if pid == os.getpid():  # a container's next process has the number of its last
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


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
