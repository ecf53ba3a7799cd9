"""Random weights in the forms in which the published ones are found."""

import functools
import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from srvp_tf.metrics.i3d import I3D
from srvp_tf.metrics.lpips import LPIPS
from srvp_tf.metrics.published_weights import ARCHIVES, from_archive


def _kernel(random, shape):
    fan_in = np.prod(shape[:-1])
    return (random.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)


@functools.cache
def lpips_tree():
    """As the pickle of LPIPS has them."""
    random, tree = np.random.default_rng(0), {"AlexNet_0": {}}
    for i, layer in enumerate(LPIPS().convolutions):
        bias = random.normal(0, 0.1, layer.filters).astype(np.float32)
        weights = {"kernel": _kernel(random, tuple(layer.kernel.shape)), "bias": bias}
        tree["AlexNet_0"][f"Conv_{i}"] = weights
        head = random.uniform(0, 1, (1, 1, layer.filters, 1)).astype(np.float32)
        tree[f"NetLinLayer_{i}"] = {"Conv_0": {"kernel": head}}
    return tree


@functools.cache
def i3d_tree():
    """As the pickle of I3D has them: convolutions and the statistics of their normalisations."""
    random, tree = np.random.default_rng(1), {"params": {}, "batch_stats": {}}
    for name, layer in I3D().units.items():
        scope, *branch = name.split("/", 1)
        if scope == "Logits":
            scope, branch = "Logits/Conv3d_0c_1x1", []
        params, statistics = (tree[k].setdefault(scope, {}) for k in ("params", "batch_stats"))
        if branch:
            params, statistics = (x.setdefault(branch[0], {}) for x in (params, statistics))
        bias = random.normal(0, 0.1, layer.filters).astype(np.float32)
        params["Conv_0"] = {"kernel": _kernel(random, tuple(layer.kernel.shape))}
        if scope.startswith("Logits"):
            params["Conv_0"]["bias"] = bias
        else:
            shape = (1, 1, 1, 1, layer.filters)
            params["BatchNorm_0"] = {"bias": bias}
            statistics["BatchNorm_0"] = {
                "mean": random.normal(0, 0.1, shape).astype(np.float32),
                "var": random.uniform(0.5, 1.5, shape).astype(np.float32),
            }
    return tree


TREES = {"lpips": lpips_tree, "fvd": i3d_tree}


def packed(metric, tree=None):
    """(an archive like the published one, its bytes) with a tree of arrays, by default the above's.

    It is the published one after `monkeypatch.setitem(ARCHIVES, metric, archive)`.
    """
    archive, file = ARCHIVES[metric], io.BytesIO()
    content = pickle.dumps(TREES[metric]() if tree is None else tree)
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=0) as tar:
        member = tarfile.TarInfo(f"{archive.folder}/{archive.member}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    data = file.getvalue()
    return archive._replace(sha256=hashlib.sha256(data).hexdigest()), data


def weights(metric, tree=None):
    """Name -> array, as read from such an archive."""
    with pytest.MonkeyPatch.context() as patch:
        archive, content = packed(metric, tree)
        patch.setitem(ARCHIVES, metric, archive)
        return from_archive(metric, content, "a test")
