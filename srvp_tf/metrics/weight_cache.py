"""Weights of the networks that judge videos, converted once into checked files.

A file is an `.npz` of named arrays with the SHA-256 of its content, which is compared whenever it
is read. It is written by `python -m srvp_tf.fetch`.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
from absl import flags

from srvp_tf.config.corpora import define_path, local_path
from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints

CACHE_VARIABLE = "SRVP_TF_CACHE"

_FILES = {"lpips": "lpips_alexnet_v0.1.npz", "fvd": "i3d_kinetics_400.npz"}
WITH_WEIGHTS = tuple(_FILES)

PUBLISHED_SHA256 = {
    "lpips": "c848fc4d99c02670285d65fed1d46daf2f85362101506231d97fe1ab4640ab86",
    "fvd": "d9a2036446954d1a3b0b734613093f5483e431b36b71e93597394c314721f85a",
}
"""`content_sha256` of the weights that come with the archives of `published_weights`."""


def define_flag(flag_values: flags.FlagValues) -> None:
    """The flag that says where weights are kept."""
    define_path(
        "cache_dir",
        None,
        f"folder of the weights of metrics; by default ${CACHE_VARIABLE}, else srvp_tf in "
        "$XDG_CACHE_HOME or ~/.cache",
        flag_values,
    )


def cache_folder(cache_dir: str | os.PathLike | None = None) -> Path:
    """`cache_dir`, else $SRVP_TF_CACHE, else srvp_tf in $XDG_CACHE_HOME or ~/.cache."""
    if chosen := cache_dir or os.environ.get(CACHE_VARIABLE):
        return local_path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "srvp_tf"


def cache_path(metric: str, cache_dir: str | os.PathLike | None = None) -> Path:
    """Where the weights of "lpips" or "fvd" are kept."""
    return cache_folder(cache_dir) / _FILES[metric]


def content_sha256(arrays: dict[str, np.ndarray]) -> str:
    """One sum over names, types, shapes and values."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.data)
    return total.hexdigest()


def write_weights(
    metric: str,
    arrays: dict[str, np.ndarray],
    source: str,
    cache_dir: str | os.PathLike | None = None,
) -> Path:
    """Keep the weights of a metric; returns the path of the file, which is whole or not there.

    Raises:
      UserError: the folder cannot be written.
    """
    path = cache_path(metric, cache_dir)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoints.write_checkpoint(
            path, arrays, {"sha256": content_sha256(arrays), "source": source}
        )
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): choose another --cache_dir"
        ) from None
    return path


def read_weights(
    metric: str, cache_dir: str | os.PathLike | None = None
) -> tuple[dict[str, np.ndarray], str]:
    """(name -> array, their SHA-256) of the weights of a metric.

    Raises:
      UserError: they are not there, or not as they were written; it names the command to run.
    """
    path = cache_path(metric, cache_dir)
    way_out = f"run `python -m srvp_tf.fetch --metric={metric}`"
    if cache_dir:
        way_out = f"{way_out[:-1]} --cache_dir={cache_dir}`"
    if not path.is_file():
        raise UserError(f"{metric} needs weights that are not in {path.parent}: {way_out}")
    try:
        arrays, metadata = checkpoints.read_checkpoint(path)
    except UserError:
        raise UserError(f"{path} is damaged: {way_out}") from None
    found = content_sha256(arrays)
    if found != metadata.get("sha256"):
        raise UserError(f"{path} is not what was written there: {way_out}")
    return arrays, found
