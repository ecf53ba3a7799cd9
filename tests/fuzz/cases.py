"""Cases of the fuzzer: each is told by its reader, its kind and its number."""

import functools
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.fuzz import array_readers, frame_readers, record_readers, text_readers
from tests.fuzz.mutations import mutate
from tests.fuzz.reader import Reader, Tree, stored

READERS: dict[str, Reader] = {
    reader.name: reader
    for module in (array_readers, frame_readers, record_readers, text_readers)
    for reader in module.READERS
}
KEPT = Path(__file__).parent / "cases"


class Case(NamedTuple):
    """`kind`: "whole", "crafted" or "kept", then `key` is a name; or "damaged", then a number."""

    reader: str
    kind: str
    key: str

    def __str__(self):
        return "/".join(self)


@functools.cache
def whole(reader: str) -> dict[str, Tree]:
    """The files that a reader must read."""
    return {name: _tree(reader, files) for name, files in READERS[reader].seeds().items()}


@functools.lru_cache(maxsize=1)  # some are large
def _crafted(reader):
    return READERS[reader].crafted()


def _tree(reader, files):
    tree = files if isinstance(files, dict) else {READERS[reader].file: files}
    return {path: content() if callable(content) else content for path, content in tree.items()}


def found(reader: str) -> list[Case]:
    """The whole files, and those that random damage once found."""
    kept = sorted(path.name for path in (KEPT / reader).glob("*"))
    return [Case(reader, "whole", name) for name in whole(reader)] + [
        Case(reader, "kept", name) for name in kept
    ]


def crafted(reader: str) -> list[Case]:
    """The files made by hand."""
    return [Case(reader, "crafted", name) for name in _crafted(reader)]


def damaged(reader: str, count: int, first: int = 0) -> list[Case]:
    """Files damaged at random."""
    return [Case(reader, "damaged", str(number)) for number in range(first, first + count)]


def files(case: Case, seed: int) -> tuple[Tree, str | None]:
    """The files of a case; and, if their checksums must tell, the name of the whole ones."""
    reader, seeds = READERS[case.reader], whole(case.reader)
    if case.kind == "whole":
        return seeds[case.key], case.key if reader.exact else None
    if case.kind == "crafted":
        return _tree(case.reader, _crafted(case.reader)[case.key]), None
    if case.kind == "kept":
        return stored(KEPT / case.reader / case.key), None
    rng = np.random.default_rng([seed, zlib.crc32(case.reader.encode()), int(case.key)])
    name = sorted(seeds)[rng.integers(len(seeds))]
    tree = dict(seeds[name])
    paths = [path for path in sorted(tree) if path.endswith(reader.damaged)]
    path = paths[rng.integers(len(paths))]
    tree[path], is_sealed = mutate(tree[path], rng)
    return tree, name if is_sealed and reader.exact else None
