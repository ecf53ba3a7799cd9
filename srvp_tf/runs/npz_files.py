"""Writing `.npz` files: what `numpy.savez` writes, and on a full disk one error."""

import zipfile
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np


def write_npz(file: BinaryIO, arrays: Mapping[str, np.ndarray], compressed: bool = False) -> None:
    """Write name -> array to an open file.

    NumPy before 2 leaves its archive open when a write fails; the garbage collector then fails to
    close it, and prints so.
    """
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
