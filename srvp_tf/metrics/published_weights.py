"""Published weights of AlexNet with LPIPS's heads, and of I3D, under the names used here.

Each reader takes one form in which they are found. None of them runs code of a file.
"""

import os
from pathlib import Path

import numpy as np

from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError
from srvp_tf.metrics.package_archives import ARCHIVES, read_arrays

BATCH_NORM_EPSILON = 1e-3  # of I3D
_HUB_SCOPE = "RGB/inception_i3d/"


def read_published(metric: str, path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Name -> float32 array, from what the user has.

    Args:
      metric: "lpips" or "fvd".
      path: the archive of `package_archives`; for FVD also the folder of the TF-Hub module.

    Raises:
      UserError: no such file, a damaged one, or one of anything else.
    """
    path = local_path(path)
    if metric == "fvd" and path.is_dir():
        return from_hub_folder(path)
    if not path.is_file():
        raise UserError(f"--weights: {path} is no file: give {ARCHIVES[metric].filename}")
    return from_archive(metric, path.read_bytes(), path)


def from_archive(metric: str, content: bytes, source: str | Path) -> dict[str, np.ndarray]:
    """From the content of an archive of `package_archives`; `source` names it in errors."""
    arrays = read_arrays(content, ARCHIVES[metric], source)
    return _lpips_from_flax(arrays) if metric == "lpips" else _i3d_from_flax(arrays)


def _lpips_from_flax(arrays):
    weights = {}
    for i in range(5):
        for part in ("kernel", "bias"):
            weights[f"conv{i + 1}/{part}"] = arrays[f"AlexNet_0/Conv_{i}/{part}"]
        weights[f"head{i + 1}"] = arrays[f"NetLinLayer_{i}/Conv_0/kernel"].reshape(-1)
    return weights


def _i3d_from_flax(arrays):
    weights = {}
    suffix = "/Conv_0/kernel"
    for name in [name for name in arrays if name.endswith(suffix)]:
        unit = name.removeprefix("params/").removesuffix(suffix)
        kernel, norm = arrays[name], f"{unit}/BatchNorm_0"
        if f"params/{norm}/bias" in arrays:
            kernel, bias = _folded(
                kernel,
                arrays[f"params/{norm}/bias"],
                arrays[f"batch_stats/{norm}/mean"],
                arrays[f"batch_stats/{norm}/var"],
            )
        else:
            bias = arrays[f"params/{unit}/Conv_0/bias"]
        weights |= _unit(unit, kernel, bias)
    return weights


def _unit(path, kernel, bias):
    # DeepMind's own module has this one name out of line.
    path = path.replace("Mixed_5b/Branch_2/Conv3d_0a_3x3", "Mixed_5b/Branch_2/Conv3d_0b_3x3")
    name = path.replace("/", ".")
    return {f"{name}/kernel": kernel, f"{name}/bias": bias}


def _folded(kernel, offset, mean, variance):
    """Kernel and bias of a convolution that is followed by a batch normalisation of no scale."""
    offset, mean, variance = (x.astype(np.float64).reshape(-1) for x in (offset, mean, variance))
    scale = 1.0 / np.sqrt(variance + BATCH_NORM_EPSILON)
    folded = (kernel * scale, offset - mean * scale)
    return tuple(array.astype(np.float32) for array in folded)


def from_hub_folder(folder: Path) -> dict[str, np.ndarray]:
    """From the folder of TF-Hub's deepmind/i3d-kinetics-400/1."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
        arrays = {
            name.rpartition(_HUB_SCOPE)[2]: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if _HUB_SCOPE in name
        }
        weights = {}
        for name in [name for name in arrays if name.endswith("/conv_3d/w")]:
            unit = name.removesuffix("/conv_3d/w")
            kernel = arrays[name]
            if f"{unit}/conv_3d/b" in arrays:
                bias = arrays[f"{unit}/conv_3d/b"]
            else:
                norms = (
                    arrays[f"{unit}/batch_norm/{part}"]
                    for part in ("beta", "moving_mean", "moving_variance")
                )
                kernel, bias = _folded(kernel, *norms)
            weights |= _unit(unit, kernel, bias)
    except Exception as error:  # a damaged folder can raise a dozen types
        reason = " ".join(str(error).split())
        raise UserError(
            f"--weights: {folder} is no folder of deepmind/i3d-kinetics-400/1 ({reason[:200]})"
        ) from None
    if not weights:
        raise UserError(f"--weights: {folder} has no variables of {_HUB_SCOPE.rstrip('/')}")
    return weights
