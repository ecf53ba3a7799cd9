"""Checkpoints: one file of named arrays each, written whole or not at all, restored strictly.

A checkpoint is an uncompressed `.npz`: one array per variable and a JSON text `metadata`. The zip
comment at its end is the SHA-256 of all bytes before it, so that no byte can change unnoticed; a
file of format 1 has none, and is held to the CRC of every array. Nothing in it can run code.
"""

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from srvp_tf.config.corpora import read_header
from srvp_tf.errors import UserError
from srvp_tf.runs.atomic_files import replacing
from srvp_tf.runs.npz_files import write_npz

if TYPE_CHECKING:
    import tensorflow as tf

CHECKPOINT_FORMAT = 2
_METADATA = "metadata"
_MARK = b"sha256:"
_DIGITS = 64


class DamagedCheckpoint(UserError):
    """A checkpoint that is not what was written, or no checkpoint."""


def write_checkpoint(
    path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]
) -> None:
    """Write name -> array and a JSON-able dictionary to `path`, atomically."""
    text = json.dumps({"format_version": CHECKPOINT_FORMAT, **metadata})
    with replacing(path) as temporary, open(temporary, "w+b") as file:
        write_npz(file, {_METADATA: np.array(text), **arrays})
        with zipfile.ZipFile(file, "a") as archive:
            archive.comment = _MARK + bytes(_DIGITS)
        digest = _sha256(file)
        file.seek(-_DIGITS, os.SEEK_END)
        file.write(digest)


def read_checkpoint(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(name -> array, metadata) of a checkpoint.

    Raises:
        DamagedCheckpoint: one byte or more is not as written, or it never was a checkpoint.
        UserError: it is missing, or of a later format.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        with open(path, "rb") as file:
            has_digest = _check_digest(file)
            arrays = _read_arrays(file)
        metadata = json.loads(str(arrays.pop(_METADATA)))
        version = metadata["format_version"]
        if version == CHECKPOINT_FORMAT and not has_digest:
            raise ValueError("its checksum is missing")
    except PermissionError:
        raise
    except Exception as error:  # a damaged zip file can raise a dozen types
        raise DamagedCheckpoint(
            f"{path} is damaged or not a checkpoint ({_reason(error)}): delete it and use another "
            "one"
        ) from None
    if type(version) is not int or not 1 <= version <= CHECKPOINT_FORMAT:
        raise UserError(
            f"{path} has format {version}, this version reads 1 to {CHECKPOINT_FORMAT}: use the "
            "version of srvp-tf that wrote it"
        )
    return arrays, metadata


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _sha256(file: BinaryIO) -> bytes:
    """Hexadecimal digits of all but the last `_DIGITS` bytes of a file."""
    remaining = file.seek(0, os.SEEK_END) - _DIGITS
    file.seek(0)
    digest = hashlib.sha256()
    while remaining > 0 and (chunk := file.read(min(remaining, 2**20))):
        digest.update(chunk)
        remaining -= len(chunk)
    return digest.hexdigest().encode()


def _check_digest(file: BinaryIO) -> bool:
    """Whether a file ends with a checksum; `ValueError` if that is not the file's."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _DIGITS - len(_MARK), 0))
    mark, digits = file.read(len(_MARK)), file.read()
    if mark != _MARK:
        return False
    if digits != _sha256(file):
        raise ValueError("its checksum is another")
    return True


def _read_arrays(file: BinaryIO) -> dict[str, np.ndarray]:
    """Name -> array; every member is read to its end, which is where zipfile checks the CRC."""
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        arrays = {}
        for member in archive.infolist():
            # Also for files that were never ours: neither a compressed member nor a header makes
            # more bytes than the file has.
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
                raise ValueError(f"{member.filename} is not as it was written")
            arrays[member.filename.removesuffix(".npy")] = _array(archive.read(member))
        return arrays


def _array(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    shape, _, dtype = read_header(stream)
    if math.prod(shape) * dtype.itemsize > len(content):
        raise ValueError(f"an array of {list(shape)} is cut short")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def values(variables: "Mapping[str, tf.Variable]") -> dict[str, np.ndarray]:
    """Name -> array of name -> variable."""
    return {name: np.asarray(variable) for name, variable in variables.items()}


def assign_arrays(
    variables: "Mapping[str, tf.Variable]",
    arrays: Mapping[str, np.ndarray],
    source: str | os.PathLike,
) -> None:
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
        dtype = np.dtype(getattr(variable.dtype, "name", variable.dtype))  # Keras has the name
        expected = (tuple(variable.shape), dtype)
        found = (arrays[name].shape, arrays[name].dtype)
        is_half = expected[1] == np.float32 and found == (expected[0], np.float16)
        if found != expected and not is_half:  # `release --half` stores kernels so
            raise UserError(
                f"{source} belongs to another model: {name} is {found[1]} {list(found[0])}, "
                f"expected {expected[1]} {list(expected[0])}"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])
