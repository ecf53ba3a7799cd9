"""Tells MP4 and MOV files whose tables of samples are meant to fill the memory.

FFmpeg makes an entry of some 50 bytes for every sample that a table announces. Where all samples
have one size, or a fragment's have the default one, a table of 20 bytes can announce a billion.
"""

import dataclasses
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from data_pipelines.errors import DataError

MAX_SAMPLES = 1 << 22
"""Of all tracks whose tables are shorter than that: 46 hours of 25 frames a second."""
_MAX_SHOWN = 1 << 25  # samples of a track times its edits, each of which may repeat all of them
_MAX_BOXES = 1 << 20

_CONTAINERS = frozenset(
    b"moov trak edts mdia minf dinf stbl moof traf mvex udta meta ilst wave tref sinf schi".split()
)


@dataclasses.dataclass
class _Track:
    """What the boxes of a track say."""

    handlers: set[bytes] = dataclasses.field(default_factory=set)
    samples: int = 0
    edits: int = 0
    one_size: bool = False
    one_instant: bool = False

    @property
    def entries(self) -> int:
        """That FFmpeg makes; PCM sounds have a sample at every instant, and no entries for them."""
        is_pcm = self.one_size and self.one_instant and self.handlers == {b"soun"}
        return 0 if is_pcm else self.samples


def require_sane_tables(path: Path) -> None:
    """Raise `DataError` if a table of an ISO media file announces what no film has.

    Boxes are looked for where FFmpeg looks for them.
    """
    tracks, in_fragments = [_Track()], 0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, (kind, start, end) in enumerate(_boxes(data, 0, len(data))):
            if number == _MAX_BOXES:
                raise DataError(f"{path}: has more than {_MAX_BOXES:,} boxes; convert it anew.")
            if kind == b"cmov":
                raise DataError(f"{path}: has a compressed header; convert it anew.")
            if kind == b"trak":
                tracks.append(_Track())
            elif kind == b"trun":
                in_fragments += _number(data, start + 4, end)
            else:
                _note(tracks[-1], kind, data, start, end)
    # Tables of many sizes take 4 bytes a sample: the file is as large as what they announce.
    announced = in_fragments + sum(track.entries for track in tracks if track.one_size)
    shown = max(track.entries * track.edits for track in tracks)
    if announced > MAX_SAMPLES or shown > _MAX_SHOWN:
        raise DataError(
            f"{path}: announces {announced:,} samples of equal size, and edits that show "
            f"{shown:,}; the header is broken, or cut the video into pieces."
        )


def _note(track: _Track, kind: bytes, data: mmap.mmap, start: int, end: int) -> None:
    if kind == b"hdlr" and data[start + 8 : start + 12] in (b"vide", b"soun"):
        track.handlers.add(data[start + 8 : start + 12])
    elif kind == b"stsz":
        track.one_size |= _number(data, start + 4, end) > 0
        track.samples = max(track.samples, _number(data, start + 8, end))
    elif kind == b"stts":
        track.one_instant = _number(data, start + 4, end) == _number(data, start + 12, end) == 1
    elif kind == b"elst":
        track.edits += _number(data, start + 4, end)


def _number(data: mmap.mmap, place: int, end: int) -> int:
    return struct.unpack_from(">I", data, place)[0] if place + 4 <= end else 0


def _boxes(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start and end of the content) of all boxes, those inside of others too."""
    waiting = [(start, end)]  # the innermost last
    while waiting:
        start, end = waiting.pop()
        if start + 8 > end:
            continue
        length, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1 and start + 16 <= end:
            (length,) = struct.unpack_from(">Q", data, start + 8)
            content = start + 16
        # 0, and what reaches beyond, is the rest.
        following = min(start + length, end) if length >= 8 else end
        yield kind, content, following
        waiting.append((following, end))
        if kind in _CONTAINERS:
            waiting.append((content + 4 * (kind == b"meta"), following))
