"""Reads frames from .npy and .npz files, one at a time, without trusting their headers."""

import itertools
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_pipelines.errors import DataError, damage_named
from data_pipelines.readers.npy_headers import read_header
from data_pipelines.readers.pixels import require_sane_size, row_blocks

ARRAY_SUFFIXES = (".npz", ".npy")
_MAX_FRAME_BYTES = 1 << 28
_MAX_COLUMNS_FIRST_BYTES = 1 << 29  # of an array that has to be read as a whole
_SHOWN = 6


def iterate_array(path: Path) -> Iterator[np.ndarray]:
    """Yield the frames of an .npy, or of the array `frames` or the only one of an .npz.

    The array is [T, H, W, 1 or 3] or [T, H, W], uint8 or float in [0, 1], which becomes
    round(255 x). Yields uint8 [H, W, 1 or 3].

    Raises:
        DataError: the file is damaged or cut short, or the array another one.
    """
    with damage_named(f"{path}: is damaged or no NumPy file"):
        if path.suffix.lower() == ".npy":
            with open(path, "rb") as file:
                yield from _frames(path, file, os.path.getsize(path))
        else:
            with zipfile.ZipFile(path) as archive:
                member = _member(path, archive)
                with archive.open(member) as file:
                    yield from _frames(path, file, member.file_size)


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if "frames" in members or len(members) == 1:
        return members.get("frames") or members.popitem()[1]
    shown = [name[:40] for name in itertools.islice(members, _SHOWN)]
    names = ", ".join(shown) + ", ..." * (len(members) > _SHOWN) or "none"
    raise DataError(f"{path}: has no array `frames`; its arrays are: {names}.")


def _frames(path: Path, file: BinaryIO, file_size: int) -> Iterator[np.ndarray]:
    """The frames of an open .npy of `file_size` bytes."""
    header = read_header(file, file_size)
    shape, columns_first, dtype = header
    if dtype != np.uint8 and dtype.kind != "f":
        raise DataError(f"{path}: holds {str(dtype)[:40]}; give uint8, or floats in [0, 1].")
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise DataError(
            f"{path}: has shape {list(shape[:9])}; give frames [T, H, W, C], C = 1 or 3, or "
            "[T, H, W]."
        )
    if shape[0]:
        require_sane_size(path, shape[2], shape[1])
    frame_bytes = math.prod(shape[1:]) * dtype.itemsize
    if frame_bytes > _MAX_FRAME_BYTES:
        raise DataError(
            f"{path}: frames of {frame_bytes >> 20} MiB each; save them as uint8, or smaller."
        )
    if not columns_first:
        read = (np.frombuffer(file.read(frame_bytes), dtype) for _ in range(shape[0]))
        frames = (frame.reshape(shape[1:]) for frame in read)
    elif file_size <= _MAX_COLUMNS_FIRST_BYTES:
        frames = header.array(file.read())
    else:  # its frames do not lie one after the other
        raise DataError(
            f"{path}: {file_size >> 20} MiB in Fortran's order, which is read as a whole; save it "
            "in C's (numpy.ascontiguousarray)."
        )
    for frame in frames:
        yield _to_bytes(path, frame)


def _to_bytes(path: Path, frame: np.ndarray) -> np.ndarray:
    if frame.dtype != np.uint8:
        # Written so that NaN fails too.
        if not (frame.min() >= 0 and frame.max() <= 1):
            raise DataError(
                f"{path}: has values outside [0, 1], or NaN; give floats in [0, 1], or uint8."
            )
        quantized = np.empty(frame.shape, np.uint8)
        for rows in row_blocks(frame):
            quantized[rows] = np.rint(255 * frame[rows].astype(np.float64))
        frame = quantized
    return frame[..., np.newaxis] if frame.ndim == 2 else frame
