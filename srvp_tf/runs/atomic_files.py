"""Files and folders that are either whole or not there.

They are written under a temporary name, `.NAME.TOKEN.tmp`, and renamed. What a killed process left
is cleared by the next write to the same place that comes a day later: nobody writes that long.
"""

import contextlib
import glob
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LEFTOVERS = ".*.tmp"
"""Pattern of what a killed process may leave beside the files that it wrote."""

_ABANDONED_AFTER = 24 * 60 * 60  # seconds

_unfinished: set[Path] = set()


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Context that gives a new file beside `path`; it takes `path`'s place at the end.

    It reaches the disk before it is renamed. After an error it is gone, and `path` is as it was.
    """
    path = Path(path)
    with _temporary(path, lambda file: file.touch(exist_ok=False)) as temporary:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            _sync(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Context that gives a new folder beside `path`; it takes `path`'s place at the end.

    After an error it is gone, and `path` is as it was. What may be replaced, the caller must say.
    """
    path = path.resolve()
    _restore(path)
    with temporary_folder(path) as fresh:
        yield fresh
        old = fresh.with_suffix(".old")
        try:
            if path.exists():
                path.rename(old)
            fresh.rename(path)
        finally:
            if old.exists() and not path.exists():  # stopped between the two renamings
                old.rename(path)
            _remove(old)
    for old in _leftovers(path, "old"):  # of those killed before they had deleted it
        _remove(old)


def temporary_folder(path: Path) -> contextlib.AbstractContextManager[Path]:
    """Context that gives a new folder beside `path`, to be renamed; at the end it is gone."""
    return _temporary(path, lambda folder: folder.mkdir(parents=True))


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Context that gives a new folder among the system's temporary ones; at the end it is gone."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _unfinished.add(folder)
    try:
        yield folder
    finally:
        _remove(folder)
        _unfinished.discard(folder)


def remove_unfinished() -> None:
    """Delete what this process is writing: it is about to end without a word to those who write."""
    for temporary in list(_unfinished):
        _remove(temporary)


def remove_leftovers(folder: Path, pattern: str = LEFTOVERS) -> None:
    """Delete the files that killed processes left in a folder in which no live one writes."""
    for path in folder.glob(pattern):
        if path.is_file():
            path.unlink()


@contextlib.contextmanager
def _temporary(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Context that gives a new file or folder beside `path`; at the end it is gone."""
    for leftover in _leftovers(path, "tmp"):
        with contextlib.suppress(OSError):  # gone by now
            if time.time() - leftover.lstat().st_mtime > _ABANDONED_AFTER:
                _remove(leftover)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    _unfinished.add(temporary)
    try:
        make(temporary)
        yield temporary
    finally:
        _remove(temporary)
        _unfinished.discard(temporary)


def _restore(path: Path) -> None:
    """Bring back the folder of a process that was killed between its two renamings."""
    old = sorted(_leftovers(path, "old"), key=os.path.getmtime)
    if old and not path.exists():
        with contextlib.suppress(OSError):  # another is faster, or nothing can be renamed there
            old[-1].rename(path)


def _leftovers(path: Path, kind: str) -> list[Path]:
    name = re.compile(re.escape(f".{path.name}.") + f"[0-9a-f]{{8}}\\.{kind}")
    found = path.parent.glob(f".{glob.escape(path.name)}.*.{kind}")
    return [leftover for leftover in found if name.fullmatch(leftover.name)]


def _remove(path: Path) -> None:
    """Delete a file or folder, if it can be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
