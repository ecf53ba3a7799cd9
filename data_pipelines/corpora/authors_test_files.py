"""The authors' preprocessed test sets, for users who have them."""

import contextlib
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipelines.errors import DataError, damage_named
from data_pipelines.readers.npy_headers import Header, read_header

_WAY_OUT = "remove it to use the prepared videos"
_MAX_BYTES = 1 << 29  # KTH's file, the larger one, holds 164 MB


class AuthorsTestSet(ABC):
    """A file or folder beside a prepared corpus."""

    def __init__(self, name: str):
        self._name = name

    def find(self, data_dir: Path) -> Path | None:
        """Where it is in a folder, if it is there."""
        path = data_dir / self._name
        return path if path.exists() else None

    @abstractmethod
    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        """The first frames of each video, uint8 [length, H, W, C]."""

    @abstractmethod
    def _shapes(self, path: Path, num_videos: int) -> list[tuple[Path, tuple[int, ...]]]:
        """The file and the shape [T, H, W, C] of each of the first videos that there are."""

    def require(
        self, path: Path, num_videos: int, length: int, frame_shape: tuple[int, int, int]
    ) -> None:
        """Raise `DataError` unless the first videos have so many frames [H, W, C] or more."""
        shapes = self._shapes(path, num_videos)
        if len(shapes) < num_videos:
            raise DataError(f"{path}: holds {len(shapes)} videos, not {num_videos}; {_WAY_OUT}.")
        for file, (frames, *shape) in shapes:
            if tuple(shape) != frame_shape:
                raise DataError(
                    f"{file}: has frames {shape}, the prepared videos {list(frame_shape)}; "
                    f"{_WAY_OUT}."
                )
            if frames < length:
                raise DataError(
                    f"{file}: has videos of {frames} frames, {length} are asked for; ask for "
                    f"fewer, or {_WAY_OUT}."
                )


class SequencesFile(AuthorsTestSet):
    """KTH: one file with `sequences`, uint8 [N, T, H, W]."""

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        for frames in _load(path, "sequences"):
            yield frames[:length, ..., np.newaxis]

    def _shapes(self, path, num_videos):
        # All is read, as damage is to be told before the first video.
        return [(path, (*video.shape, 1)) for video in _load(path, "sequences")[:num_videos]]


class ImageFiles(AuthorsTestSet):
    """Human3.6M: `test_<i>.npz` with `image`, uint8 [417, H, W, 3], of which every 8th counts."""

    def __init__(self, folder: str, stride: int):
        super().__init__(folder)
        self._stride = stride

    def videos(self, path: Path, length: int) -> Iterator[np.ndarray]:
        for file in _numbered(path):
            yield _load(file, "image")[:: self._stride][:length]

    def _shapes(self, path, num_videos):
        # Of the files only the headers are read: there are gigabytes of them.
        shapes = []
        for file in _numbered(path)[:num_videos]:
            with _opened(file, "image") as (_, header):
                shapes.append((file, (-(-header.shape[0] // self._stride), *header.shape[1:])))
        return shapes


def _numbered(folder: Path) -> list[Path]:
    """As many files as there are, which are numbered from 0."""
    return [folder / f"test_{number}.npz" for number, _ in enumerate(folder.glob("test_*.npz"))]


def _load(path: Path, key: str) -> np.ndarray:
    with _opened(path, key) as (file, header):
        return header.array(file.read())


@contextlib.contextmanager
def _opened(path: Path, key: str) -> Iterator[tuple[BinaryIO, Header]]:
    """The member of an array, open at its data, and its header, checked."""
    with (
        damage_named(f"{path}: is no .npz file with an array {key!r}", _WAY_OUT),
        zipfile.ZipFile(path) as archive,
        archive.open(f"{key}.npy") as file,
    ):
        size = archive.getinfo(f"{key}.npy").file_size
        header = read_header(file, size)
        if header.dtype != np.uint8 or len(header.shape) != 4:
            raise DataError(
                f"{path}: holds {key!r} {str(header.dtype)[:40]} {list(header.shape[:9])}, "
                f"expected uint8 of rank 4; {_WAY_OUT}."
            )
        if size > _MAX_BYTES:
            raise ValueError(f"{size >> 20} MiB, more than {_MAX_BYTES >> 20}")
        yield file, header
