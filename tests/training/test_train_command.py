import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import data_pipelines
from srvp_tf import train
from srvp_tf.config import corpora
from srvp_tf.runs.run_folder import RunFolder
from tests.cli.commands import outcome, refusal
from tests.runs import small_run
from tests.runs.small_run import FLAGS
from tests.training.test_resume import stop_at


def trained(run_dir, *arguments):
    """The `Outcome` of the command on the tiny run."""
    return outcome(train, *FLAGS, f"--run_dir={run_dir}", *arguments)


def refused(run_dir, *arguments, untouched=None):
    """The one line of the command that refuses, and changes nothing in a folder, the run's."""
    flags = (*FLAGS, f"--run_dir={run_dir}", *arguments)
    return refusal(train, *flags, untouched=untouched or run_dir)


@pytest.fixture
def run_dir(tmp_path, finished):
    """A copy of a finished run."""
    return Path(shutil.copytree(finished(), tmp_path / "run"))


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--batchsize=3", "Did you mean: batch_size"),
        ("--learning_rate=nan", "--learning_rate=nan must be finite"),
        ("--channels=3", "--channels=3 does not fit --dataset=moving_mnist: use --channels=1"),
        ("--run_dir=", "--run_dir is missing: name the folder of the run"),
    ],
)
def test_wrong_settings_are_one_line_and_make_no_folder(tmp_path, argument, words):
    assert words in refused(tmp_path / "run", argument, untouched=tmp_path)


def test_another_configuration_is_refused(run_dir):
    words = "holds a run of another configuration (nf: 2 != 3): choose another --run_dir"
    assert words in refused(run_dir, "--nf=3")


@pytest.fixture
def shared_graphs(monkeypatch):
    """The command trains on one device, with the graphs of the tests before."""
    monkeypatch.setattr(
        "srvp_tf.training.trainer.Trainer",
        lambda c, run_dir, *_: small_run.sharing_trainer(c, run_dir),
    )


def test_a_run_of_damaged_checkpoints_does_not_start_anew(run_dir):
    for path in (run_dir / "checkpoints").iterdir():
        path.write_bytes(b"")
    assert f"every checkpoint in {run_dir}/checkpoints is damaged" in refused(run_dir)


def test_ctrl_c_saves_says_so_and_the_command_goes_on(tmp_path, shared_graphs, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 7, signal.SIGINT)
        status, out, err = trained(tmp_path)
    assert status == 130 and err == ""
    assert out.splitlines()[-1] == (
        "stopped early, nothing is lost: the same command goes on from here"
    )
    assert small_run.saved(tmp_path)[1]["step"] == 7
    status, out, _ = trained(tmp_path)
    assert status == 0 and "step 12/12" in out


class NotANumber(data_pipelines.MovingMNIST):
    """Moving MNIST that spoils step 6."""

    def training_batches(self, **options):
        def spoil(index, clips):
            return tf.where(index == 5, np.nan, tf.cast(clips, tf.float32) / 255)

        return super().training_batches(**options).enumerate().map(spoil)


def test_a_loss_that_is_not_finite_is_one_line_and_keeps_the_checkpoint(
    tmp_path, shared_graphs, monkeypatch
):
    monkeypatch.setattr(corpora, "open_corpus", lambda c: NotANumber(num_digits=1, frame_size=32))
    status, _, err = trained(tmp_path, "--max_skipped_steps=0")
    assert status == 1 and err.count("\n") == 1
    assert "nll is not finite at step 6" in err
    assert ": training stopped, the last checkpoint is kept; try a lower" in err
    arrays, metadata = small_run.saved(tmp_path)
    assert metadata["step"] == 4 and all(np.isfinite(x).all() for x in arrays.values())


def test_the_command_trains_resumes_and_judges_with_other_settings(tmp_path):
    status, out, err = trained(tmp_path)
    assert status == 0 and err == "" and "step 12/12  loss " in out
    before = small_run.saved(tmp_path)[0]
    # Nothing is left to do, but what touches no weight may change.
    assert trained(tmp_path, "--num_samples=9") == (0, "", "")
    assert RunFolder(tmp_path).config().eval.num_samples == 9
    assert all(np.array_equal(x, before[name]) for name, x in small_run.saved(tmp_path)[0].items())
