"""What a corpus is prepared from: files that give videos, and the parts that they belong to."""

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from data_pipelines.errors import DataError

# Part of every fingerprint: a change of what is written makes shards of before unusable.
_FORMAT = 2
STATE_PREFIX = "state_"
"""How the names of those columns of actions begin that hold what was measured at an interval's
first frame, such as the place of a hand, and not what was done."""
_SHOWN = 6


class Video(NamedTuple):
    """What a source gives, and what is read of a prepared corpus."""

    name: str
    frames: np.ndarray
    """uint8 [T, H, W, C]."""
    actions: np.ndarray | None = None
    """float32 [T - 1, A], if the corpus has actions: row t is of the interval from t to t + 1."""


class Source(Protocol):
    """A file (or folder of images) of a corpus; a frozen dataclass, as other processes read it."""

    path: Path

    def videos(self) -> Iterator[Video]:
        """Yield videos; raises `DataError` where it cannot be read."""
        ...

    # May have remarks() -> list[str] too: what is to be said of videos that were read, in phrases
    # without a colon and a space; and `beside`, paths of other files that it reads.


class Layout(NamedTuple):
    """The sources of each part of a corpus, in order, and a line for each file passed over."""

    parts: dict[str, list[Source]]
    skipped: list[str]
    action_names: tuple[str, ...] = ()
    """Columns of the actions that every video has; (): none has actions."""


def fingerprint(sources: Collection[Source]) -> str:
    """A name that changes with the sources, their options, and the sizes and dates of files."""
    lines = [str(_FORMAT)]
    for source in sources:
        states = [str(_state(path)) for path in (source.path, *_beside(source))]
        lines.append(f"{source!r} {' '.join(states)}\n")
    return _digest(lines)


def layout_fingerprint(layout: Layout, folder: Path) -> str:
    """A name that changes with the files of a corpus in `folder`: parts, names, sizes.

    What lies beside videos counts by its content: another number may have as many digits.
    """
    lines = []
    for part, sources in layout.parts.items():
        for source in sources:
            sizes = [(name, size) for name, size, _ in _state(source.path)]
            lines.append(f"{part} {os.path.relpath(source.path, folder)!r} {sizes}\n")
            for path in _beside(source):
                lines.append(f"{os.path.relpath(path, folder)!r} {_content(path)}\n")
    return _digest(lines)


def _beside(source: Source) -> tuple[Path, ...]:
    return getattr(source, "beside", ())


def _content(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # reading it will say why


def _digest(texts: Collection[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:24]


def _state(path: Path) -> list[tuple[str, int, int]]:
    try:
        entries = sorted(path.iterdir()) if path.is_dir() else [path]
        stats = [(entry.name, os.stat(entry)) for entry in entries]
    except OSError:
        return []  # reading it will say why
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def summarised(remarks: Collection[str]) -> list[str]:
    """One line for all "<path>: <phrase>" of one phrase: the first path, and how many more."""
    paths: dict[str, list[str]] = {}
    for remark in sorted(remarks):
        path, _, phrase = remark.rpartition(": ")
        paths.setdefault(phrase, []).append(path)
    return [
        f"{first}{f' and {len(more)} more' * bool(more)}: {phrase}"
        for phrase, (first, *more) in paths.items()
    ]


def some_of(names: Collection[str]) -> str:
    """Names, the first of them if they are many."""
    more = ", ..." * (len(names) > _SHOWN)
    return ", ".join(list(names)[:_SHOWN]) + more


def printable_line(text: str) -> str:
    """Text with names of files, such that it can be printed and stored: one line of valid UTF-8."""
    return " ".join(readable(text).split())


def readable(name: str) -> str:
    """The name of a file, as valid UTF-8; other bytes become hexadecimal, with a backslash."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def wrong_layout(folder: Path, expected: str) -> DataError:
    """The error of a folder that holds no such corpus: what was expected and what is there."""
    names = sorted(
        path.name + "/" * path.is_dir() for path in folder.iterdir() if path.name[0] != "."
    )
    found = ", ".join(names[:_SHOWN]) or "nothing"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return DataError(f"{folder}: expected {expected}; found {found}{more}.")
