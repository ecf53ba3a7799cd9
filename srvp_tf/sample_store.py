"""Arrays that grow row by row on disk and end as the npz files of the authors' test script."""

import zipfile
from pathlib import Path

import numpy as np

KEY = "samples"  # name of the only array in each file


class SampleStore:
    """Collects rows of named uint8 arrays without keeping them in memory.

    Args:
        folder: where the files go; it must exist.
        num_rows: rows of every array.
    """

    def __init__(self, folder, num_rows):
        self._folder, self._num_rows = Path(folder), num_rows
        self._arrays, self._filled = {}, 0

    def append(self, rows):
        """Name -> the next rows, uint8 [B, ...]; the same names each time."""
        count = len(next(iter(rows.values())))
        for name, values in rows.items():
            if name not in self._arrays:
                self._arrays[name] = np.lib.format.open_memmap(
                    self._path(name), "w+", values.dtype, (self._num_rows, *values.shape[1:])
                )
            self._arrays[name][self._filled : self._filled + count] = values
        self._filled += count

    def finish(self):
        """Turn every array into `<name>.npz`, compressed."""
        for name, array in self._arrays.items():
            array.flush()
            packed = self._folder / f"{name}.npz"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.write(self._path(name), f"{KEY}.npy")
            self._path(name).unlink()
        self._arrays = {}

    def _path(self, name):
        return self._folder / f"{name}.npy"
