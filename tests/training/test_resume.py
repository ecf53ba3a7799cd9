import os
import random
import signal
import time

import pytest

from srvp_tf import train
from srvp_tf.training.progress import Progress
from srvp_tf.training.stop_request import StopRequest
from srvp_tf.training.trainer import Trainer
from srvp_tf.training.validation import Validator
from tests.reliability.runs import files, finish, leftovers, newest_step, start, wait_until
from tests.runs import small_run
from tests.runs.small_run import SVG, VGG, assert_same_run, saved

LONGER = ("--lr_burnin=20", "--lr_decay=10", "--log_interval=7", "--val_interval=10")


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
    # Step 7 is amid a log interval; the validations of the steps 10 and 12, the last, are left.
    [(7, signal.SIGTERM), (10, signal.SIGINT), (small_run.NUM_STEPS, signal.SIGTERM)],
)
@pytest.mark.parametrize("model", [(), SVG], ids=["srvp", "svg"])
def test_a_stopped_run_ends_as_one_never_stopped(
    tmp_path, monkeypatch, step, number, model, finished
):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        stop_at(patch, step, number)
        assert small_run.run(small_run.config(*model), tmp_path) == number
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    before = saved(tmp_path)[1]
    assert (before["step"], before["pending_validation"]) == (step, step != 7)
    assert small_run.run(small_run.config(*model), tmp_path) is None
    assert saved(tmp_path)[1]["elapsed_seconds"] > before["elapsed_seconds"] > 0
    assert_same_run(tmp_path, finished(*model))


def test_one_trainer_may_go_on_after_a_stop(tmp_path, monkeypatch, finished):
    c = small_run.config()
    trainer = small_run.sharing_trainer(c, tmp_path)
    data = small_run.training_data(c), small_run.validation_data(c)
    with monkeypatch.context() as patch:
        stop_at(patch, 3, signal.SIGINT)
        assert trainer.train(*data) == signal.SIGINT
    assert trainer.train(*data) is None
    assert_same_run(tmp_path, finished())


def test_a_signal_during_a_validation_is_heeded_before_its_next_batch(tmp_path, monkeypatch):
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
    assert files(tmp_path / "samples") == files(whole / "samples")


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


def test_killed_between_the_best_and_the_last_checkpoint(tmp_path, monkeypatch, finished):
    c, save = small_run.config("--val_interval=4"), Trainer._save
    with monkeypatch.context() as patch:

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


@pytest.mark.parametrize(
    "family",  # sums of vgg depend on the threads; test_step.py repeats it in one process
    [(), *(pytest.param(x, marks=pytest.mark.long) for x in (SVG, VGG))],
    ids=["dcgan", "svg", "vgg-skips"],
)
def test_a_sigkill_changes_no_bit_between_processes(tmp_path, monkeypatch, family):
    arguments = (*family, *LONGER)
    process = start(tmp_path / "killed", *arguments)
    wait_until(lambda: newest_step(tmp_path / "killed") >= 8, process)
    time.sleep(random.Random(os.getpid()).uniform(0, 0.2))
    process.kill()
    process.communicate()
    finish(start(tmp_path / "killed", *arguments))
    monkeypatch.setattr("srvp_tf.training.strategy.make_strategy", small_run.one_device)
    train.train(small_run.config(*arguments), tmp_path / "whole")
    assert_same_run(tmp_path / "killed", tmp_path / "whole")
    assert not leftovers(tmp_path)
