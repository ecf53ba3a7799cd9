"""Checkpoints: one file of named arrays each, written whole or not at all, restored strictly.

A checkpoint is an uncompressed `.npz`: one array per variable and a JSON text `metadata`. Being a
zip file, it has a CRC for every array, checked when that is read. Nothing in it can run code.
"""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np

from srvp_tf.atomic_files import remove_leftovers, replacing
from srvp_tf.errors import UserError

FORMAT_VERSION = 1
_METADATA = "metadata"
_NAME = re.compile(r"(last|best)-(\d+)\.npz")


def write(path, arrays, metadata):
    """Write name -> array and a JSON-able dictionary to `path`, atomically."""
    text = json.dumps({"format_version": FORMAT_VERSION, **metadata})
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{_METADATA: np.array(text)}, **arrays)


def read(path):
    """(name -> array, metadata) of a checkpoint; `UserError` if it is missing or damaged."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        arrays = _read_arrays(path)
        metadata = json.loads(str(arrays.pop(_METADATA)))
        version = metadata["format_version"]
    except Exception as error:  # a damaged zip file can raise a dozen types
        raise UserError(
            f"{path} is damaged or not a checkpoint ({type(error).__name__}: {error}): "
            "delete it and use another one"
        ) from None
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path} has format {version}, this version reads {FORMAT_VERSION}: use the version of "
            "srvp-tf that wrote it"
        )
    return arrays, metadata


def _read_arrays(path):
    """Name -> array; every member is read to its end, which is where zipfile checks the CRC."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(name)))
            for name in archive.namelist()
        }


def values(variables):
    """Name -> array of name -> variable."""
    return {name: np.asarray(variable) for name, variable in variables.items()}


def assign(variables, arrays, source):
    """Give every variable its array, by name; nothing is assigned unless all of them fit.

    Raises:
        UserError: names the arrays that are missing, left over, or of another shape or type.
    """
    missing, unknown = sorted(variables.keys() - arrays), sorted(arrays.keys() - variables)
    if missing or unknown:
        names = [f"misses {missing[0]}"] if missing else []
        names += [f"has {unknown[0]}, which this model lacks"] if unknown else []
        raise UserError(
            f"{source} belongs to another model: it {' and '.join(names)} "
            f"({len(missing)} missing, {len(unknown)} left over)"
        )
    for name, variable in variables.items():
        expected = (tuple(variable.shape), np.dtype(_numpy_name(variable.dtype)))
        found = (arrays[name].shape, arrays[name].dtype)
        if found != expected:
            raise UserError(
                f"{source} belongs to another model: {name} is {found[1]} {list(found[0])}, "
                f"expected {expected[1]} {list(expected[0])}"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _numpy_name(dtype):
    return dtype if isinstance(dtype, str) else dtype.name


class CheckpointFolder:
    """The checkpoints of one run: the last `keep_last` ones, and the best one."""

    def __init__(self, folder, keep_last=3):
        self.folder, self.keep_last = Path(folder), keep_last

    def open(self):
        """Create the folder; remove what an interrupted write left behind."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)

    def save(self, kind, step, arrays, metadata):
        """Write a "last" or "best" checkpoint, then remove those that it replaces."""
        path = self.folder / f"{kind}-{step:08d}.npz"
        write(path, arrays, metadata)
        keep = 1 if kind == "best" else self.keep_last
        others = [other for other in self.paths(kind) if other != path]
        for replaced in others[: max(len(others) - keep + 1, 0)]:
            replaced.unlink()
        return path

    def paths(self, kind):
        """Paths of the "last" or "best" checkpoints, oldest first."""
        found = []
        for path in self.folder.glob(f"{kind}-*.npz"):
            if match := _NAME.fullmatch(path.name):
                found.append((int(match[2]), path))
        return [path for _, path in sorted(found)]

    def newest(self, kind):
        """Path of the newest "last" or "best" checkpoint, or None."""
        return next(reversed(self.paths(kind)), None)
