"""Arrays that grow row by row into the npz files of the authors' test script."""

import contextlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

KEY = "samples"  # name of the only array in each file


class SampleStore:
    """Writes rows of named uint8 arrays, beside whatever the caller does next.

        with SampleStore(folder, num_rows) as store:
            store.append({"random_1": rows, ...})

    One thread compresses while the next rows are computed; it is at most one `append` behind, so
    memory does not grow. Files are whole once the context has ended without an error.

    Args:
        folder: where the files go, `<name>.npz`; it must exist.
        num_rows: rows of every array.
    """

    def __init__(self, folder: Path, num_rows: int):
        self._folder, self._num_rows = Path(folder), num_rows
        self._files, self._closing = {}, contextlib.ExitStack()
        self._worker, self._pending = ThreadPoolExecutor(1), None
        self._filled = 0

    def __enter__(self):
        return self

    def __exit__(self, error: type[BaseException] | None, *_):
        with self._worker, self._closing:
            if error is None:
                self._wait()
        if error is None and self._filled != self._num_rows:
            raise ValueError(f"{self._filled} of {self._num_rows} rows were given")

    def append(self, rows: dict[str, np.ndarray]) -> None:
        """Name -> the next rows, uint8 [B, ...], not to be changed later; the same names always.

        Raises:
            OSError: these or earlier rows could not be written.
        """
        self._wait()
        self._pending = self._worker.submit(self._write, rows)

    def _wait(self):
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(self, rows: dict[str, np.ndarray]) -> None:
        for name, values in rows.items():
            if name not in self._files:
                self._files[name] = self._open(name, values)
            self._files[name].write(np.ascontiguousarray(values).data)
        self._filled += len(values)

    def _open(self, name: str, like: np.ndarray):
        path = self._folder / f"{name}.npz"
        archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._closing.enter_context(archive)
        file = self._closing.enter_context(archive.open(f"{KEY}.npy", "w", force_zip64=True))
        header = np.lib.format.header_data_from_array_1_0(like)
        header["shape"] = (self._num_rows, *like.shape[1:])
        header["fortran_order"] = False
        np.lib.format.write_array_header_1_0(file, header)
        return file
