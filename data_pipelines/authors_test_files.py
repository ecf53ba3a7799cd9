"""The authors' preprocessed test sets, for users who have them."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError

_WAY_OUT = "remove it to use the prepared videos"


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
    with _readable(path, key), np.load(path, allow_pickle=False) as arrays:
        array = arrays[key]
    _require_bytes(path, key, array.dtype, array.shape, rank)
    return array


def _shape(path: Path, key: str, rank: int) -> tuple[int, ...]:
    with _readable(path, key), zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as file:
        version = np.lib.format.read_magic(file)
        first = version == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    _require_bytes(path, key, dtype, shape, rank)
    return shape


@contextlib.contextmanager
def _readable(path: Path, key: str) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DataError(
            f"{path}: is no .npz file with an array {key!r} ({reason}); {_WAY_OUT}."
        ) from None


def _require_bytes(
    path: Path, key: str, dtype: np.dtype, shape: tuple[int, ...], rank: int
) -> None:
    if dtype != np.uint8 or len(shape) != rank:
        raise DataError(
            f"{path}: holds {key!r} {dtype} {list(shape)}, expected uint8 of rank {rank}; "
            f"{_WAY_OUT}."
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
