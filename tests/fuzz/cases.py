"""Cases of the fuzzer: each is told by its reader, its kind and its number."""

import functools
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.fuzz import array_readers, frame_readers, record_readers, text_readers
from tests.fuzz.mutations import mutate
from tests.fuzz.reader import Reader, Tree

READERS: dict[str, Reader] = {
    reader.name: reader
    for module in (array_readers, frame_readers, record_readers, text_readers)
    for reader in module.READERS
}
KEPT = Path(__file__).parent / "cases"


@functools.lru_cache(maxsize=1)  # some are large
def _by_hand(reader: str) -> dict[str, Tree]:
    return READERS[reader].crafted()


class Case(NamedTuple):
    """`kind`: "whole", "crafted" or "kept", then `key` is a name; or "damaged", then a number."""

    reader: str
    kind: str
    key: str

    def __str__(self):
        return "/".join(self)


def whole(reader: str) -> list[Case]:
    """The files that a reader must read."""
    return [Case(reader, "whole", name) for name in READERS[reader].seeds()]


def crafted(reader: str) -> list[Case]:
    """The files made by hand."""
    return [Case(reader, "crafted", name) for name in _by_hand(reader)]


def kept(reader: str) -> list[Case]:
    """What random damage once found, as files."""
    return [Case(reader, "kept", path.name) for path in sorted((KEPT / reader).glob("*"))]


def damaged(reader: str, count: int, first: int = 0) -> list[Case]:
    """Files damaged at random."""
    return [Case(reader, "damaged", str(number)) for number in range(first, first + count)]


def files(case: Case, seed: int) -> tuple[Tree, str | None]:
    """The files of a case; and, if their checksums must tell, the name of the whole ones."""
    reader = READERS[case.reader]
    if case.kind == "whole":
        return reader.seeds()[case.key], case.key if reader.exact else None
    if case.kind == "crafted":
        return _by_hand(case.reader)[case.key], None
    if case.kind == "kept":
        root = KEPT / case.reader / case.key
        return {
            str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()
        }, None
    rng = np.random.default_rng([seed, zlib.crc32(case.reader.encode()), int(case.key)])
    seeds = reader.seeds()
    name = sorted(seeds)[int(rng.integers(len(seeds)))]
    tree = dict(seeds[name])
    names = [path for path in sorted(tree) if path.endswith(reader.damaged or "")]
    path = names[int(rng.integers(len(names)))]
    tree[path], sealed = mutate(tree[path], rng)
    return tree, name if sealed and reader.exact else None
