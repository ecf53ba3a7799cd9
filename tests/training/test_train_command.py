import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

import data_pipelines
from srvp_tf import train
from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.runs.run_folder import RunFolder
from tests.runs import small_run
from tests.runs.small_run import FLAGS
from tests.training.test_resume import stop_at


def outcome(capsys, *arguments):
    """Exit status, standard output and standard error of the command, run in this process."""
    values = flags.FlagValues()
    train.define_flags(values)
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        command.run(train.main, ["train", *FLAGS, *arguments], values)
    captured = capsys.readouterr()
    return caught.value.code or 0, captured.out, captured.err


def tree(path):
    """Relative path -> content of everything in a folder."""
    files = Path(path).rglob("*")
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else None for p in files}


def assert_refused(capsys, folder, words, *arguments, status=1):
    """One line with `words` on standard error, and nothing in `folder` is touched."""
    before = tree(folder)
    code, _, err = outcome(capsys, *arguments)
    assert code == status and words in err and err.count("\n") == 1 and err.endswith("\n"), err
    assert tree(folder) == before


@pytest.fixture
def run_dir(tmp_path, finished):
    """A copy of a finished run."""
    return Path(shutil.copytree(finished(), tmp_path / "run"))


@pytest.mark.parametrize(
    ("argument", "words", "status"),
    [
        ("--batchsize=3", "Did you mean: batch_size", 2),
        ("--family=resnet", "value should be one of <dcgan|vgg|dcgan_half>", 2),
        ("--flagfile=nothing.cfg", "--flagfile=nothing.cfg: no such file", 2),
        ("--frame_size=48", "--frame_size=48 must be one of 32, 64, 128", 1),
        ("--learning_rate=nan", "--learning_rate=nan must be finite", 1),
        ("--nt_cond=1", "--nt_cond=1 is less than --nt_inf=2", 1),
        ("--train_length=2 --nt_inf=3", "--train_length=2 is less than --nt_inf=3", 1),
        ("--val_length=3", "--val_length=3 leaves nothing to predict after --nt_cond=3", 1),
        ("--channels=3", "--channels=3 does not fit --dataset=moving_mnist: use --channels=1", 1),
        ("--digits=idx", "--digits=idx needs --digits_dir", 1),
        ("--init_from=nothing", "nothing is neither a run folder nor a checkpoint", 1),
        ("--run_dir=", "--run_dir is missing: name the folder of the run", 1),
    ],
)
def test_wrong_settings_are_one_line_and_make_no_folder(capsys, tmp_path, argument, words, status):
    arguments = (f"--run_dir={tmp_path}/run", *argument.split())
    assert_refused(capsys, tmp_path, words, *arguments, status=status)


def test_corrupt_digits_are_one_line(capsys, tmp_path):
    name = "train-images-idx3-ubyte.gz"
    (tmp_path / name).write_bytes(b"\x00\x00\x08\x03 not MNIST")
    arguments = (f"--run_dir={tmp_path}/run", "--digits=idx", f"--digits_dir={tmp_path}")
    assert_refused(capsys, tmp_path, name, *arguments)


def test_another_configuration_is_refused(capsys, run_dir):
    words = "holds a run of another configuration (nf: 2 != 3): choose another --run_dir"
    assert_refused(capsys, run_dir, words, f"--run_dir={run_dir}", "--nf=3")


@pytest.fixture
def shared_graphs(monkeypatch):
    """The command trains on one device, with the graphs of the tests before."""
    monkeypatch.setattr(
        "srvp_tf.training.trainer.Trainer",
        lambda c, run_dir, *_: small_run.sharing_trainer(c, run_dir),
    )


@pytest.mark.parametrize("used", ["best-00000012.npz", "last-00000008.npz"])
def test_a_truncated_newest_checkpoint_is_named_and_the_one_before_it_used(
    capsys, run_dir, shared_graphs, used
):
    folder = RunFolder(run_dir).checkpoints()
    newest = [folder.newest("last")]
    if used.startswith("last"):
        newest.append(folder.newest("best"))
    for path in newest:
        path.write_bytes(path.read_bytes()[:-100])
    status, _, err = outcome(capsys, f"--run_dir={run_dir}")
    assert status == 0 and err.splitlines() == [
        f"{path} is damaged: renamed to *.damaged until the next checkpoint, going on from {used}"
        for path in newest
    ]
    assert small_run.saved(run_dir)[1]["step"] == small_run.NUM_STEPS
    assert not list(run_dir.rglob("*.damaged"))


def test_a_run_of_damaged_checkpoints_does_not_start_anew(capsys, run_dir):
    for path in (run_dir / "checkpoints").iterdir():
        path.write_bytes(b"")
    words = f"every checkpoint in {run_dir}/checkpoints is damaged"
    assert_refused(capsys, run_dir, words, f"--run_dir={run_dir}")


def test_init_from_a_damaged_checkpoint_names_it_and_what_deleting_it_leads_to(capsys, run_dir):
    newest = RunFolder(run_dir).checkpoint_path("last")
    newest.write_bytes(newest.read_bytes()[:-100])
    other = run_dir.parent / "other"
    for source in (run_dir, newest):
        arguments = (f"--run_dir={other}", f"--init_from={source}")
        words = f"{newest} is damaged or not a checkpoint"
        assert_refused(capsys, run_dir.parent, words, *arguments)
        words = "; then last-00000008.npz is the newest"
        assert_refused(capsys, run_dir.parent, words, *arguments)


def test_a_folder_that_is_no_run_is_refused(capsys, tmp_path):
    (tmp_path / "chapter1").write_text("precious")
    assert_refused(capsys, tmp_path, "choose another --run_dir", f"--run_dir={tmp_path}")


def test_ctrl_c_saves_says_so_and_the_command_goes_on(capsys, tmp_path, shared_graphs, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 7, signal.SIGINT)
        status, out, err = outcome(capsys, f"--run_dir={tmp_path}")
    assert status == 130 and err == ""
    assert out.splitlines()[-1] == (
        "stopped early, nothing is lost: the same command goes on from here"
    )
    assert small_run.saved(tmp_path)[1]["step"] == 7
    status, out, _ = outcome(capsys, f"--run_dir={tmp_path}")
    assert status == 0 and "step 12/12" in out


class NotANumber(data_pipelines.MovingMNIST):
    """Moving MNIST that spoils step 6."""

    def training_batches(self, **options):
        def spoil(index, clips):
            return tf.where(index == 5, np.nan, tf.cast(clips, tf.float32) / 255)

        return super().training_batches(**options).enumerate().map(spoil)


def test_a_loss_that_is_not_finite_is_one_line_and_keeps_the_checkpoint(
    capsys, tmp_path, shared_graphs, monkeypatch
):
    monkeypatch.setattr(corpora, "open_corpus", lambda c: NotANumber(num_digits=1, frame_size=32))
    status, _, err = outcome(capsys, f"--run_dir={tmp_path}", "--max_skipped_steps=0")
    assert status == 1 and err.count("\n") == 1
    assert "nll is not finite at step 6" in err
    assert ": training stopped, the last checkpoint is kept; try a lower" in err
    arrays, metadata = small_run.saved(tmp_path)
    assert metadata["step"] == 4 and all(np.isfinite(x).all() for x in arrays.values())


def test_the_command_trains_resumes_and_judges_with_other_settings(capsys, tmp_path):
    status, out, err = outcome(capsys, f"--run_dir={tmp_path}")
    assert status == 0 and err == "" and "step 12/12  loss " in out
    before = small_run.saved(tmp_path)[0]
    # Nothing is left to do, but what touches no weight may change.
    assert outcome(capsys, f"--run_dir={tmp_path}", "--num_samples=9") == (0, "", "")
    assert RunFolder(tmp_path).config().eval.num_samples == 9
    assert all(np.array_equal(x, before[name]) for name, x in small_run.saved(tmp_path)[0].items())
