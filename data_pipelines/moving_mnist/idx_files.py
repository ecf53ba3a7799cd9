"""MNIST's own file format: idx, raw or gzipped."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError

_HEADER = struct.Struct(">4sIII")
_MAGIC = b"\0\0\x08\x03"  # unsigned bytes, three dimensions
_MAX_BYTES = 1 << 27  # MNIST's larger file has 47 MB


def read_images(path: Path) -> np.ndarray:
    """Read an idx file of images, uint8 [N, rows, columns].

    Raises:
        DataError: naming the file, if it is not a whole idx file of byte images.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}); fetch it again or correct the path."
        ) from error
    if len(content) > _MAX_BYTES:
        raise DataError(
            f"{path} holds more than {_MAX_BYTES >> 20} MiB, far more than MNIST's files; fetch it "
            "again."
        )
    if len(content) < _HEADER.size or not content.startswith(_MAGIC):
        raise DataError(f"{path} is no idx file of images; expected MNIST's *-images-idx3-ubyte.")
    _, *shape = _HEADER.unpack_from(content)
    found = len(content) - _HEADER.size
    if found != math.prod(shape):
        raise DataError(
            f"{path} holds {found} bytes of pixels where its header says {math.prod(shape)}; "
            "fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=_HEADER.size).reshape(shape)


def find_images(folder: Path, stem: str) -> Path:
    """Find `<stem>-images-idx3-ubyte` in a folder, dotted or gzipped variants included.

    Raises:
        DataError: if the folder holds no variant.
    """
    names = [f"{stem}-images{mark}idx3-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"{folder} has no {names[0]} (or {', '.join(names[1:])}); put MNIST's idx files there or "
        "correct digits_dir."
    )
