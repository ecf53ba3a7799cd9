"""Workers that die, freeze, are told to stop, or do not fit together; each in real processes."""

import shutil
import signal
import time

import pytest

from tests.hosts.test_two_workers import assert_same_losses
from tests.hosts.workers import Workers
from tests.reliability.runs import finish, leftovers, newest_step, start, wait_until
from tests.runs.small_run import assert_same_run, saved

pytestmark = pytest.mark.long

LONG = ("--lr_burnin=30", "--lr_decay=30", "--log_interval=1", "--val_interval=25")
ENDLESS = ("--lr_burnin=1000000", "--val_interval=1000000", "--log_interval=100")
SECONDS_TO_NOTICE = 150  # TensorFlow needs up to 75, and 15 to end; the machine may be slow


def one_line(result):
    """The line on standard error of a worker that failed."""
    status, _, err = result
    assert status == 1 and err.count("\n") == 1, (status, err)
    return err


def train_together(run_dir, count=2):
    """Train, or go on, to the end of 60 steps."""
    with Workers(count, run_dir, *LONG) as workers:
        assert [status for status, *_ in workers.finish()] == count * [0]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The folder of 60 steps by two workers that nobody disturbed."""
    run_dir = tmp_path_factory.mktemp("hosts") / "two"
    train_together(run_dir)
    return run_dir


def test_four_workers_train_as_one(tmp_path, uninterrupted):
    finish(start(tmp_path / "one", *LONG))
    train_together(tmp_path / "four", 4)
    for run_dir in (uninterrupted, tmp_path / "four"):
        assert_same_losses(run_dir, tmp_path / "one", rtol=2e-4)
        assert saved(run_dir)[1]["best_step"] == saved(tmp_path / "one")[1]["best_step"]


@pytest.mark.parametrize("victim", [1, 0])
def test_a_killed_worker_stops_the_other_and_all_resume(tmp_path, uninterrupted, victim):
    with Workers(2, tmp_path / "run", *LONG) as workers:
        workers.wait_for_checkpoint(20)
        workers.processes[victim].kill()
        killed = time.monotonic()
        line = one_line(workers.finish(1 - victim)[0])
        assert time.monotonic() - killed < SECONDS_TO_NOTICE
    assert f"worker {1 - victim} lost another worker at step " in line
    assert "start all again with the same command, they go on from the last checkpoint" in line
    assert 20 <= newest_step(tmp_path / "run") < 60
    train_together(tmp_path / "run")
    # Two summands have one order only: not a bit differs.
    assert_same_run(tmp_path / "run", uninterrupted)
    assert not leftovers(tmp_path)


def test_one_of_four_ends_the_other_three(tmp_path):
    with Workers(4, tmp_path / "run", *ENDLESS) as workers:
        workers.wait_for_checkpoint(4)
        workers.processes[2].kill()
        for line in map(one_line, workers.finish(0, 1, 3)):
            assert " lost another worker at step " in line


@pytest.mark.parametrize("victim", [1, 0])
def test_a_frozen_worker_is_noticed(tmp_path, victim):
    with Workers(2, tmp_path / "run", *ENDLESS) as workers:
        workers.wait_for_checkpoint(4)
        workers.processes[victim].send_signal(signal.SIGSTOP)
        assert " lost another worker at step " in one_line(workers.finish(1 - victim)[0])


@pytest.mark.parametrize("who", [1, 0])
def test_a_preempted_worker_stops_all_after_saving(tmp_path, uninterrupted, who):
    with Workers(2, tmp_path / "run", *LONG) as workers:
        workers.wait_for_checkpoint(12)
        workers.processes[who].send_signal(signal.SIGTERM)
        results = workers.finish()
    for status, out, err in results:
        assert (status, err) == (143, "")
        assert out.splitlines()[-1].startswith("stopped early, nothing is lost")
    arrays, metadata = saved(tmp_path / "run")
    assert metadata["step"] == arrays["adam/step"] < 60
    train_together(tmp_path / "run")
    assert_same_run(tmp_path / "run", uninterrupted)


def test_a_signal_between_joining_and_the_first_step_is_heeded(tmp_path):
    # TensorFlow takes SIGTERM for itself when the workers join.
    with Workers(2, tmp_path / "run", *ENDLESS) as workers:
        assert wait_until((tmp_path / "run").exists, *workers.processes)
        workers.processes[1].send_signal(signal.SIGTERM)
        (chief, *_), (other, _, err) = workers.finish()
    assert other == 143 and err in ("", "python -m srvp_tf.train: terminated\n")
    assert chief in (1, 143)  # it lost a worker, or was told to stop


def test_a_signal_during_validation_stops_all(tmp_path):
    slow = ("--val_interval=6", "--val_batches=400", "--checkpoint_interval=5")
    with Workers(2, tmp_path / "run", *slow) as workers:
        workers.wait_for_checkpoint(5)
        time.sleep(2)
        workers.processes[0].send_signal(signal.SIGTERM)  # the one that validates
        sent = time.monotonic()
        assert [status for status, *_ in workers.finish()] == [143, 143]
        assert time.monotonic() - sent < SECONDS_TO_NOTICE
    assert saved(tmp_path / "run")[1]["step"] == 6


def test_a_worker_that_dies_while_the_chief_validates_is_noticed(tmp_path):
    slow = ("--val_interval=6", "--val_batches=4000", "--checkpoint_interval=5")
    with Workers(2, tmp_path / "run", *slow) as workers:
        workers.wait_for_checkpoint(5)
        time.sleep(2)
        workers.processes[1].kill()
        assert " lost another worker at step 6" in one_line(workers.finish(0)[0])


def test_one_process_goes_on_from_two(tmp_path, uninterrupted):
    with Workers(2, tmp_path / "run", *LONG) as workers:
        workers.wait_for_checkpoint(12)
        workers.processes[0].send_signal(signal.SIGTERM)
        workers.finish()
    finish(start(tmp_path / "run", *LONG))
    assert_same_losses(tmp_path / "run", uninterrupted, rtol=2e-4)


@pytest.mark.parametrize(
    ("flags", "own_flags", "words"),
    [
        ((), {1: ["--nf=3"]}, "worker 1 and worker 0 differ in --nf: start the same command every"),
        (("--batch_size=5",), {}, "--batch_size=5 is not a multiple of the 2 devices: use 4"),
    ],
)
def test_flags_that_differ_or_do_not_fit_are_refused(tmp_path, flags, own_flags, words):
    with Workers(2, tmp_path / "run", *flags, own_flags=own_flags) as workers:
        for line in map(one_line, workers.finish()):
            assert words in line
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_shared_is_refused(tmp_path, uninterrupted):
    shutil.copytree(uninterrupted, tmp_path / "a")
    for path in (tmp_path / "a" / "checkpoints").glob("*-00000060.npz"):
        path.unlink()
    with Workers(2, [tmp_path / "a", tmp_path / "b"], *LONG) as workers:
        for line in map(one_line, workers.finish()):
            assert "worker 1 and worker 0 differ in the step that they go on from" in line
            assert "with a --run_dir that all hosts share" in line
    assert not (tmp_path / "b").exists() and not leftovers(tmp_path)


def test_an_error_of_one_worker_ends_the_other(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis").write_text("precious")
    with Workers(2, tmp_path / "run") as workers:
        chief, other = map(one_line, workers.finish())
    assert "holds other files and no run: choose another --run_dir" in chief
    assert "worker 1 lost another worker at the start" in other
