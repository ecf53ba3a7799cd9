"""What the fuzzer knows of a reader, and how files for it are made."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Tree = dict[str, bytes]
"""Files of a case: relative path -> content."""


class Reader(NamedTuple):
    """A reader, whole files for it, and files made by hand to harm it.

    file: where a file lies that is given by its content alone.
    read: reads the files in a folder, returns what they hold (arrays, texts, numbers), or raises
        one of the errors that commands show as one line.
    seeds: makes name -> files that are read well.
    crafted: makes name -> hostile files; a content that is slow to make may be a function.
    damaged: suffix of the files to damage.
    exact: the files have checksums of all that counts: damaged ones are refused, or read the same.
    """

    name: str
    file: str
    read: Callable[[Path], Any]
    seeds: Callable[[], dict[str, Tree | bytes]]
    crafted: Callable[[], dict[str, Any]] = dict
    damaged: str = ""
    exact: bool = False


def written(write) -> bytes:
    """What a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def made(make) -> Tree:
    """The files that a function makes in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        return stored(Path(folder))


def stored(folder: Path) -> Tree:
    """The files in a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def store(tree: Tree, folder: Path) -> None:
    """Write the files of a case."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def fault_of(value: Any) -> str | None:
    """What is wrong with a value that a reader returned; None: nothing."""
    for array in _leaves(value):
        if not isinstance(array, np.ndarray):
            continue
        if array.dtype.hasobject:
            return f"an array of {array.dtype}"
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "NaN or infinity"
    return None


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal to the bit."""
    return [_bits(leaf) for leaf in _leaves(a)] == [_bits(leaf) for leaf in _leaves(b)]


def _leaves(value):
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _bits(leaf):
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.str, leaf.shape, leaf.tobytes()
    return repr(leaf)
