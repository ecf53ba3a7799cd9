import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from srvp_tf.training.progress import Progress
from srvp_tf.training.stop_request import StopRequest
from tests.runs import small_run
from tests.runs.small_run import FLAGS, VGG, assert_same_run, saved

LONGER = ("--lr_burnin=40", "--lr_decay=20", "--log_interval=7")


# --- in this process -----------------------------------------------------------------------------


def stop_at(monkeypatch, wanted, number):
    """Send this process a signal while step `wanted` of the next run is finished."""
    count, step = [0], Progress.step

    def counted(self):
        step(self)
        count[0] += 1
        if count[0] == wanted:
            signal.raise_signal(number)

    monkeypatch.setattr(Progress, "step", counted)


@pytest.mark.parametrize(
    ("step", "number"),
    # Step 7 is amid a log interval; step 10 has just been validated, and is the best or not.
    [(7, signal.SIGTERM), (10, signal.SIGINT)],
)
def test_a_stopped_run_ends_as_one_never_stopped(tmp_path, monkeypatch, step, number, finished):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        stop_at(patch, step, number)
        assert small_run.run(small_run.config(), tmp_path) == number
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert saved(tmp_path)[1]["step"] == step
    before = saved(tmp_path)[1]["elapsed_seconds"]
    assert small_run.run(small_run.config(), tmp_path) is None
    assert saved(tmp_path)[1]["elapsed_seconds"] > before > 0
    assert_same_run(tmp_path, finished())


def test_one_trainer_may_go_on_after_a_stop(tmp_path, monkeypatch, finished):
    c = small_run.config()
    trainer = small_run.trainer(c, tmp_path)
    data = small_run.training_data(c), small_run.validation_data(c)
    with monkeypatch.context() as patch:
        stop_at(patch, 3, signal.SIGINT)
        assert trainer.train(*data) == signal.SIGINT
    assert trainer.train(*data) is None
    assert_same_run(tmp_path, finished())


def test_a_signal_during_the_last_step_leaves_the_last_validation_for_later(
    tmp_path, monkeypatch, finished
):
    with monkeypatch.context() as patch:
        stop_at(patch, small_run.NUM_STEPS, signal.SIGTERM)
        assert small_run.run(small_run.config(), tmp_path) == signal.SIGTERM
    assert saved(tmp_path)[1]["pending_validation"] is True
    assert small_run.run(small_run.config(), tmp_path) is None
    assert_same_run(tmp_path, finished())


def test_a_signal_during_a_validation_is_heeded_before_its_next_batch(tmp_path, monkeypatch):
    from srvp_tf.training.validation import Validator

    run = Validator.run

    def stopped(self, batches):
        def more():
            for batch in batches:
                yield batch
                signal.raise_signal(signal.SIGTERM)

        return run(self, more())

    def two(draw):
        return small_run.validation_data(c).repeat(2)

    c = small_run.config()
    with monkeypatch.context() as patch:
        patch.setattr(Validator, "run", stopped)
        # The signal comes after the first of the two batches of the validation at step 5.
        assert small_run.run(c, tmp_path, validation=two) == signal.SIGTERM
    metadata = saved(tmp_path)[1]
    assert metadata["step"] == 5 and metadata["pending_validation"]
    assert not (tmp_path / "samples" / "step-00000005.gif").exists()
    assert small_run.run(c, tmp_path, validation=two) is None
    whole = tmp_path / "whole"
    small_run.run(c, whole, validation=two)
    assert_same_run(tmp_path, whole)
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        p.name for p in sorted((whole / "samples").iterdir())
    ]


def test_a_signal_sent_twice_at_once_is_one_wish_and_a_later_one_acts(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("srvp_tf.training.stop_request.time.monotonic", lambda: now[0])
    handler = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("too soon"))
    # A shell that runs the tests in the background has it ignored.
    ctrl_c = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGTERM)
            now[0] = 0.9
            signal.raise_signal(signal.SIGTERM)
            assert stop.signal_number == signal.SIGTERM
            now[0] = 1.1
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, handler)
        signal.signal(signal.SIGINT, ctrl_c)


def test_skips_resume_bit_for_bit(tmp_path, monkeypatch, finished):
    with monkeypatch.context() as patch:
        stop_at(patch, 6, signal.SIGTERM)
        small_run.run(small_run.config(*VGG), tmp_path)
    small_run.run(small_run.config(*VGG), tmp_path)
    assert_same_run(tmp_path, finished(*VGG))


def test_killed_between_the_best_and_the_last_checkpoint(tmp_path, monkeypatch, finished):
    c = small_run.config("--val_interval=4")
    with monkeypatch.context() as patch:
        from srvp_tf.training.trainer import Trainer

        save = Trainer._save

        def killed(self, kind):
            if kind == "last" and self.status.step == 8:
                raise SystemExit("killed")
            save(self, kind)

        patch.setattr(Trainer, "_save", killed)
        with pytest.raises(SystemExit):
            small_run.run(c, tmp_path)
    assert saved(tmp_path)[1]["step"] == 4
    small_run.run(c, tmp_path)
    assert_same_run(tmp_path, finished("--val_interval=4"))


# --- between processes ---------------------------------------------------------------------------


def start(run_dir, *arguments):
    """The training command in a process of its own."""
    command = [sys.executable, "-m", "srvp_tf.train", *FLAGS, f"--run_dir={run_dir}", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], **pipes)


def finish(run_dir, *arguments):
    """Run the command to its end."""
    process = start(run_dir, *arguments)
    _, err = process.communicate()
    assert process.returncode == 0, err


def wait_for(process, run_dir, step):
    """Wait until a checkpoint of `step` or later exists."""
    while process.poll() is None:
        steps = [int(p.stem.partition("-")[2]) for p in Path(run_dir, "checkpoints").glob("last-*")]
        if max(steps, default=0) >= step:
            return
        time.sleep(0.01)


def kill_until_done(run_dir, arguments, kills, rng):
    """SIGKILL the command at random moments `kills` times, then let it end."""
    for _ in range(kills):
        process = start(run_dir, *arguments)
        wait_for(process, run_dir, rng.choice([1, 8, 20, 40]))
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.communicate()
    finish(run_dir, *arguments)


def leftovers(run_dir):
    return [path for path in Path(run_dir).rglob("*") if path.name.endswith(".tmp")]


def test_sigkill_and_repetition_are_bit_equal_between_processes(tmp_path):
    # The network whose sums depend on the threads: vgg with skips.
    arguments = (*VGG, *LONGER)
    kill_until_done(tmp_path / "killed", arguments, 1, random.Random(os.getpid()))
    finish(tmp_path / "whole", *arguments)
    assert_same_run(tmp_path / "killed", tmp_path / "whole")
    assert not leftovers(tmp_path)


def test_ctrl_c_saves_says_so_and_resumes(tmp_path):
    process = start(tmp_path, *LONGER, "--lr_burnin=100000")
    wait_for(process, tmp_path, 4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130 and err == ""
    assert out.splitlines()[-1] == (
        "stopped early, nothing is lost: the same command goes on from here"
    )
    assert saved(tmp_path)[1]["step"] == saved(tmp_path)[0]["adam/step"] >= 4
    assert not leftovers(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("family", [(), VGG], ids=["dcgan", "vgg-skips"])
def test_repeated_sigkills_change_no_bit(tmp_path, family):
    arguments = (*family, *LONGER)
    finish(tmp_path / "whole", *arguments)
    for trial in range(5):
        run_dir = tmp_path / f"killed-{trial}"
        kill_until_done(run_dir, arguments, 3, random.Random(trial))
        assert_same_run(run_dir, tmp_path / "whole")
        assert not leftovers(run_dir)


@pytest.mark.long
def test_a_kill_at_any_moment_of_the_start_is_survived(tmp_path):
    rng = random.Random(0)
    for _ in range(10):
        process = start(tmp_path / "run")
        while process.poll() is None and not (tmp_path / "run").exists():
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        process.communicate()
    finish(tmp_path / "run")
    finish(tmp_path / "whole")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.long
def test_ctrl_c_then_the_same_command_ends_bit_equal(tmp_path):
    finish(tmp_path / "whole", *LONGER)
    process = start(tmp_path / "stopped", *LONGER)
    wait_for(process, tmp_path / "stopped", 4)
    process.send_signal(signal.SIGINT)
    process.communicate()
    finish(tmp_path / "stopped", *LONGER)
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")
