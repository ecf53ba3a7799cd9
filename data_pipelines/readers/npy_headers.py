"""Reads the headers of NumPy's files, whatever is in them."""

import math
from typing import BinaryIO, NamedTuple

import numpy as np


class Header(NamedTuple):
    """What an .npy says of its array."""

    shape: tuple[int, ...]
    columns_first: bool
    dtype: np.dtype

    def array(self, data: bytes) -> np.ndarray:
        """The array of these data."""
        order = "F" if self.columns_first else "C"
        return np.frombuffer(data, self.dtype).reshape(self.shape, order=order)


def read_header(file: BinaryIO, file_size: int | None = None) -> Header:
    """Read up to the beginning of the data; raises `ValueError` if that is no header of numbers.

    With `file_size`, also if what follows is not as long as the header says.

    A header is a Python literal: NumPy parses it, and runs nothing, but what its parser raises for
    a hostile one is anything from IndexError to MemoryError.
    """
    version = np.lib.format.read_magic(file)
    readers = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"it has .npy format {version}")
    try:
        header = Header(*readers[version[0] - 1](file))
    except Exception as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise ValueError(f"its header is broken: {reason}") from None
    if header.dtype.hasobject or not header.dtype.itemsize:
        raise ValueError(f"it holds {header.dtype}")
    if any(type(size) is not int or size < 0 for size in header.shape):
        raise ValueError(f"its header says {list(header.shape)}")
    declared = math.prod(header.shape) * header.dtype.itemsize
    if file_size is not None and file_size - file.tell() != declared:
        raise ValueError(f"{file_size - file.tell()} bytes where its header says {declared}")
    return header
