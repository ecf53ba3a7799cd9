"""What the fuzzer knows of a reader."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Tree = dict[str, bytes]
"""Files of a case: relative path -> content."""


class Reader(NamedTuple):
    """A reader, whole files for it, and files made by hand to harm it.

    seeds: makes name -> files that are read well.
    read: reads the files in a folder, returns what they hold (arrays, texts, numbers), or raises
        one of the errors that commands show as one line.
    crafted: makes name -> hostile files.
    damaged: suffixes of the files to damage; () for all.
    exact: the files have checksums of all that counts: damaged ones are refused, or read the same.
    """

    name: str
    seeds: Callable[[], dict[str, Tree]]
    read: Callable[[Path], Any]
    crafted: Callable[[], dict[str, Tree]] = dict
    damaged: tuple[str, ...] = ()
    exact: bool = False


def once(make):
    """Decorator of a maker of files: it runs once in a process."""
    return functools.cache(make)


def write(tree: Tree, folder: Path) -> None:
    """Write the files of a case."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def fault_of(value: Any) -> str | None:
    """What is wrong with a value that a reader returned; None: nothing."""
    for array in _arrays(value):
        if array.dtype.hasobject:
            return f"an array of {array.dtype}"
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "NaN or infinity"
    return None


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal to the bit."""
    return _digest(a) == _digest(b)


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _arrays(item)


def _digest(value):
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, dict):
        return {key: _digest(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_digest(item) for item in value]
    return json.dumps(value, default=repr)
