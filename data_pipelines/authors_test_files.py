"""The authors' preprocessed test sets, for users who have them."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError


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

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        """The first frames of each video, uint8 [length, H, W, 1]; raises `DataError`."""
        for number, frames in enumerate(_load(path, "sequences", 4)):
            yield _first(path, number, frames[..., np.newaxis], length)


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

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        """The first frames of each video, uint8 [length, H, W, 3]; raises `DataError`."""
        for number in range(self.count(path)):
            file = path / f"test_{number}.npz"
            yield _first(file, number, _load(file, "image", 4)[:: self._stride], length)


def _load(path: Path, key: str, rank: int) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array = arrays[key]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: is no .npz file with an array {key!r} ({reason}); remove it to use the "
            "prepared videos."
        ) from None
    if array.dtype != np.uint8 or array.ndim != rank:
        raise DataError(
            f"{path}: holds {key!r} {array.dtype} {list(array.shape)}, expected uint8 of rank "
            f"{rank}; remove it to use the prepared videos."
        )
    return array


def _first(path: Path, number: int, frames: np.ndarray, length: int) -> np.ndarray:
    if len(frames) < length:
        raise DataError(
            f"{path}: video {number} has {len(frames)} frames, {length} are asked for; ask for "
            "fewer, or remove it to use the prepared videos."
        )
    return frames[:length]
