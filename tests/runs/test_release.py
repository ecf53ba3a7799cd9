"""A released run: the same model in a third of the bytes; training starts from it, not in it."""

import numpy as np
import pytest
from absl import flags

from srvp_tf import release
from srvp_tf.cli import command
from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.run_folder import RunFolder, load_model, load_weights
from srvp_tf.training.trainer import Trainer
from tests.runs import small_run


def call(**given):
    values = flags.FlagValues()
    release.define_flags(values)
    arguments = ["release", *(f"--{name}={value}" for name, value in given.items())]
    try:
        command.run(release.main, arguments, values)
    except SystemExit as caught:
        return caught.code or 0


def size(run_dir):
    return RunFolder(run_dir).checkpoint_path().stat().st_size


def test_a_released_run_is_the_same_model(tmp_path, finished):
    run_dir, released = finished(), tmp_path / "released"
    assert call(run_dir=run_dir, output_dir=released) == 0
    assert {path.name for path in released.iterdir()} == {
        "config.json",
        "checkpoints",
        "logs",
        "samples",
    }
    config = RunFolder(run_dir).config()
    assert RunFolder(released).config() == config
    # A small model's file is mostly names and headers.
    assert size(released) < 0.5 * size(run_dir)
    for ours, theirs in zip(load_model(released).weights, load_model(run_dir).weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UserError, match="no state of Adam to go on from.*--init_from"):
        small_run.trainer(config, released)
    fresh = Trainer(config, tmp_path / "fresh", small_run.one_device(), init_from=released)
    assert fresh.status.step == 0
    assert load_weights(fresh.model, released)["step"] == config.train.num_steps


def test_half_precision_stores_rounded_kernels_and_loads_as_float32(tmp_path, finished):
    run_dir, released = finished(), tmp_path / "released"
    assert call(run_dir=run_dir, output_dir=released, half=True) == 0
    stored, _ = checkpoints.read_checkpoint(RunFolder(released).checkpoint_path())
    whole, _ = checkpoints.read_checkpoint(RunFolder(run_dir).checkpoint_path())
    for name, array in stored.items():
        assert array.dtype == (np.float16 if array.ndim > 1 else np.float32)
        np.testing.assert_allclose(array, whole[name], rtol=2**-11, atol=2**-25)
    for variable in load_model(released).weights:
        assert variable.dtype == "float32"


def test_nothing_is_overwritten(tmp_path, capsys, finished):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert call(run_dir=finished(), output_dir=tmp_path / "mine") == 1
    assert "is not empty: choose another folder" in capsys.readouterr().err
    assert call(run_dir=tmp_path / "mine", output_dir=tmp_path / "x") == 1
    assert "is not a run folder" in capsys.readouterr().err
    assert call(output_dir=tmp_path / "x") == 1
    assert "--run_dir is missing" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
