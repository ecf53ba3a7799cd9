"""The authors' preprocessed test sets, for users who have them."""

import contextlib
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipelines.errors import DataError
from data_pipelines.readers.npy_headers import Header, read_header

_WAY_OUT = "remove it to use the prepared videos"
_MAX_BYTES = 1 << 29  # KTH's file, the larger one, holds 164 MB
_CHUNK_BYTES = 1 << 20


class SequencesFile:
    """KTH: one file with `sequences`, uint8 [N, T, H, W]."""

    def __init__(self, name: str):
        self._name = name

    def find(self, data_dir: Path) -> Path | None:
        """The file in a folder, if it is there."""
        path = data_dir / self._name
        return path if path.is_file() else None

    def count(self, path: Path) -> int:
        """N."""
        return len(_load(path, "sequences", 4))

    def require(
        self, path: Path, num_videos: int, length: int, frame_shape: tuple[int, int, int]
    ) -> None:
        """Raise `DataError` unless the first videos have so many frames [H, W, 1] or more."""
        count, frames, *size = _load(path, "sequences", 4).shape
        _require_fitting(path, count, num_videos, (frames, *size, 1), length, frame_shape)

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        """The first frames of each video, uint8 [length, H, W, 1]."""
        for frames in _load(path, "sequences", 4):
            yield frames[:length, ..., np.newaxis]


class ImageFiles:
    """Human3.6M: `test_<i>.npz` with `image`, uint8 [417, H, W, 3], of which every 8th counts."""

    def __init__(self, folder: str, stride: int):
        self._folder, self._stride = folder, stride

    def find(self, data_dir: Path) -> Path | None:
        """The folder in a folder, if it is there."""
        path = data_dir / self._folder
        return path if path.is_dir() else None

    def count(self, path: Path) -> int:
        """The number of files, which are numbered from 0."""
        return len(list(path.glob("test_*.npz")))

    def require(
        self, path: Path, num_videos: int, length: int, frame_shape: tuple[int, int, int]
    ) -> None:
        """Raise `DataError` unless the first videos have so many frames [H, W, 3] or more.

        Of the files only the headers are read: there are gigabytes of them.
        """
        count = self.count(path)
        for number in range(min(count, num_videos)):
            file = path / f"test_{number}.npz"
            frames, *size = _shape(file, "image", 4)
            kept = -(-frames // self._stride)
            _require_fitting(file, count, num_videos, (kept, *size), length, frame_shape)

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        """The first frames of each video, uint8 [length, H, W, 3]."""
        for number in range(self.count(path)):
            file = path / f"test_{number}.npz"
            yield _load(file, "image", 4)[:: self._stride][:length]


def _load(path: Path, key: str, rank: int) -> np.ndarray:
    with _opened(path, key, rank) as (file, header):
        content = np.empty(math.prod(header.shape), np.uint8)
        place = 0
        while count := file.readinto(memoryview(content)[place : place + _CHUNK_BYTES]):
            place += count
        if place < len(content) or file.read(1):
            raise ValueError("it has not the bytes of its shape")
        return content.reshape(header.shape, order="F" if header.columns_first else "C")


def _shape(path: Path, key: str, rank: int) -> tuple[int, ...]:
    with _opened(path, key, rank) as (_, header):
        return header.shape


@contextlib.contextmanager
def _opened(path: Path, key: str, rank: int) -> Iterator[tuple[BinaryIO, Header]]:
    """The member of an array, open at its data, and its header, checked."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{key}.npy")
            with archive.open(member) as file:
                header = read_header(file)
                _require_bytes(path, key, header.dtype, header.shape, rank)
                declared, found = math.prod(header.shape), member.file_size - file.tell()
                if declared != found:
                    raise ValueError(f"{found} bytes where its header says {declared}")
                if declared > _MAX_BYTES:
                    raise ValueError(f"{declared >> 20} MiB, more than {_MAX_BYTES >> 20}")
                yield file, header
    except DataError:
        raise
    except Exception as error:  # a damaged archive can raise a dozen types
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise DataError(
            f"{path}: is no .npz file with an array {key!r} ({reason}); {_WAY_OUT}."
        ) from None


def _require_bytes(
    path: Path, key: str, dtype: np.dtype, shape: tuple[int, ...], rank: int
) -> None:
    if dtype != np.uint8 or len(shape) != rank:
        raise DataError(
            f"{path}: holds {key!r} {str(dtype)[:40]} {list(shape[:9])}, expected uint8 of rank "
            f"{rank}; {_WAY_OUT}."
        )


def _require_fitting(
    path: Path,
    count: int,
    num_videos: int,
    found: tuple[int, ...],
    length: int,
    frame_shape: tuple[int, int, int],
) -> None:
    """`found` is the shape [T, H, W, C] of the videos of a file, of which there are `count`."""
    if count < num_videos:
        raise DataError(f"{path}: holds {count} videos, not {num_videos}; {_WAY_OUT}.")
    if found[1:] != tuple(frame_shape):
        raise DataError(
            f"{path}: has frames {list(found[1:])}, the prepared videos {list(frame_shape)}; "
            f"{_WAY_OUT}."
        )
    if found[0] < length:
        raise DataError(
            f"{path}: has videos of {found[0]} frames, {length} are asked for; ask for fewer, or "
            f"{_WAY_OUT}."
        )
