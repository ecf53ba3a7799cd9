"""Finds the frames inside TFRecord files, so that a clip is read without the rest of its video.

The files hold raw frames, uncompressed: mapped into memory, the frames of a video are an array as
they lie there, and the system's page cache is the cache of the corpus, shared by all processes.
"""

import math
import mmap
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.corpora.sources import Video
from data_pipelines.errors import damage_named

PREPARE_ANEW = "prepare the corpus anew"
_LENGTH_BYTES, _CHECKSUM_BYTES = 8, 4
# Protocol buffers: Example.features.feature is a map, whose values are Feature.bytes_list.value;
# each begins with the number of its field and its length.
_LENGTH = rb"[\x80-\xff]{,9}[\0-\x7f]"
_EXAMPLE = re.compile(rb"\n" + _LENGTH)
_FEATURE = re.compile(rb"\nL\n[\4\5\7](name|video|actions)\x12L\nL\n(L)".replace(b"L", _LENGTH))


def count_records(path: Path) -> tuple[int, bool]:
    """The records that lie in a TFRecord file as a whole, and whether nothing follows them.

    TensorFlow sets memory aside for what a record's length says, before it looks at the file's.
    """
    count = 0
    try:
        for _ in _records(_mapped(path)):
            count += 1
    except (ValueError, struct.error):
        return count, False
    return count, True


def first_record(path: Path) -> bytes:
    """The first record of a TFRecord file; b"" if none lies in it as a whole."""
    try:
        data = _mapped(path)
        start, end = next(_records(data), (0, 0))
        return data[start:end]
    except (OSError, ValueError, struct.error):
        return b""


def map_videos(path: Path, frame_shape: tuple[int, int, int], num_actions: int = 0) -> list[Video]:
    """The videos of a file that `prepare` wrote, in order; raises `DataError` if it is not whole.

    Frames are read from the disk where they are touched; actions are in memory, and there if
    `num_actions`, their columns, is not 0.

    Sizes are checked, the checksums of the records are not: that would read the whole corpus.
    """
    frame_bytes, videos = math.prod(frame_shape), []
    with damage_named(f"{path}: is damaged", PREPARE_ANEW):
        data = _mapped(path)
        for start, end in _records(data):
            found = dict(_features(data, start, end))
            first, last = found[b"video"]
            count = (last - first) // frame_bytes
            if last > end or count * frame_bytes != last - first:
                raise ValueError("other frames")
            frames = np.frombuffer(data, np.uint8, last - first, first)
            name = data[slice(*found[b"name"])].decode()
            actions = None
            if num_actions:
                actions = np.frombuffer(data[slice(*found[b"actions"])], "<f4")
                actions = actions.reshape(count - 1, num_actions)
                if not np.isfinite(actions).all():
                    raise ValueError("actions that are no finite numbers")
            videos.append(Video(name, frames.reshape(count, *frame_shape), actions))
    return videos


def _mapped(path: Path) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _records(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Start and end of each record: length, its checksum, the record, its checksum; repeated."""
    position = 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        start = position + _LENGTH_BYTES + _CHECKSUM_BYTES
        position = start + length + _CHECKSUM_BYTES
        if position > len(data):
            raise ValueError("no record")
        yield start, start + length


def _features(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Key and place of the bytes of each feature of a `tf.train.Example`."""
    position = _EXAMPLE.match(data, start).end()
    while position < end:
        feature = _FEATURE.match(data, position)
        length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(feature[2]))
        position = feature.end() + length
        yield feature[1], (feature.end(), position)
