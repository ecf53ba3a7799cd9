"""A released run: the same model in a third of the bytes; training starts from it, not in it."""

import numpy as np
import pytest

from srvp_tf import release
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder, load_model, load_weights
from tests.cli.commands import outcome, refusal
from tests.runs import small_run


def released(run_dir, output_dir, *arguments):
    """The folder that the command makes."""
    flags = (f"--run_dir={run_dir}", f"--output_dir={output_dir}", *arguments)
    assert outcome(release, *flags).status == 0
    return output_dir


def size(run_dir):
    return RunFolder(run_dir).checkpoint_path().stat().st_size


def test_a_released_run_is_the_same_model(tmp_path, finished):
    run_dir = finished()
    copy = released(run_dir, tmp_path / "copy")
    names = {path.name for path in copy.iterdir()}
    assert names == {"config.json", "checkpoints", "logs", "samples"}
    config = RunFolder(run_dir).config()
    assert RunFolder(copy).config() == config
    # A small model's file is mostly names and headers.
    assert size(copy) < 0.5 * size(run_dir)
    for ours, theirs in zip(load_model(copy).weights, load_model(run_dir).weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UserError, match="no state of Adam to go on from.*--init_from"):
        small_run.trainer(config, copy)
    fresh = small_run.trainer(config, tmp_path / "fresh", init_from=copy)
    assert fresh.status.step == 0
    assert load_weights(fresh.model, copy)["step"] == config.train.num_steps


def test_half_precision_stores_rounded_kernels_and_loads_as_float32(tmp_path, finished):
    run_dir = finished()
    copy = released(run_dir, tmp_path / "copy", "--half")
    stored, whole = (small_run.saved(folder)[0] for folder in (copy, run_dir))
    for name, array in stored.items():
        assert array.dtype == (np.float16 if array.ndim > 1 else np.float32)
        np.testing.assert_allclose(array, whole[name], rtol=2**-11, atol=2**-25)
    for variable in load_model(copy).weights:
        assert variable.dtype == "float32"


def test_nothing_is_overwritten(tmp_path, finished):
    (tmp_path / "notes.txt").write_text("mine")
    here = f"--output_dir={tmp_path}"
    line = refusal(release, f"--run_dir={finished()}", here, untouched=tmp_path)
    assert "is not empty: choose another folder" in line
    new = f"--output_dir={tmp_path / 'new'}"
    line = refusal(release, f"--run_dir={tmp_path}", new, untouched=tmp_path)
    assert "is not a run folder" in line
    assert "--run_dir is missing" in refusal(release, new, untouched=tmp_path)
