"""One trainer per run folder."""

import os
import re
import signal
import socket

import pytest

from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.runs.run_lock import HOLDER_FILE, LOCK_FILE, RunLock
from tests.reliability.runs import kill, newest_step, start, wait_until
from tests.runs import small_run
from tests.training.test_resume import stop_at

ENDLESS = ("--lr_burnin=1000000", "--checkpoint_interval=3")


def test_a_second_trainer_is_refused_and_the_first_named(tmp_path):
    first = RunLock(tmp_path)
    first.acquire()
    first.acquire()
    words = (
        rf"in use by another trainer \(process {os.getpid()} on {socket.gethostname()}, since 20"
    )
    second = RunLock(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        second.acquire()
    assert "\n" not in str(caught.value)
    first.release()
    first.release()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]
    second.acquire()


def test_a_holder_that_cannot_be_read_is_no_traceback(tmp_path):
    lock = RunLock(tmp_path)
    lock.acquire()
    (tmp_path / HOLDER_FILE).write_text("[]")
    with pytest.raises(UserError, match="it has not said who it is"):
        RunLock(tmp_path).acquire()
    del lock  # forgotten, and so let go
    RunLock(tmp_path).acquire()


def test_a_trainer_holds_it_till_training_ends_and_goes_not_on_if_overtaken(tmp_path, monkeypatch):
    c = small_run.config()
    data = small_run.training_data(c), small_run.validation_data(c)
    first = small_run.trainer(c, tmp_path)
    config = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UserError, match="in use by another trainer"):
        small_run.trainer(small_run.config("--num_samples=77"), tmp_path)
    assert (tmp_path / "config.json").read_bytes() == config
    with monkeypatch.context() as patch:
        stop_at(patch, 3, signal.SIGINT)
        assert first.train(*data) == signal.SIGINT
    small_run.run(c, tmp_path)
    with pytest.raises(UserError, match="was trained by another trainer: make a new one"):
        first.train(*data)


def test_a_start_killed_right_after_the_lock_leaves_no_foreign_folder(tmp_path):
    lock = RunFolder(tmp_path / "run").lock(small_run.config())
    assert {path.name for path in (tmp_path / "run").iterdir()} == {LOCK_FILE, HOLDER_FILE}
    RunFolder(tmp_path / "run").check(small_run.config())
    lock.release()


def test_a_killed_process_lets_it_go_and_readers_need_none(tmp_path):
    process = start(tmp_path, *ENDLESS)
    assert wait_until(lambda: newest_step(tmp_path) >= 3, process), process.communicate()
    with pytest.raises(UserError) as caught:
        small_run.trainer(small_run.config(*ENDLESS), tmp_path)
    assert re.fullmatch(
        rf"{tmp_path} is in use by another trainer \(process {process.pid} on \S+, since \S+\): "
        "wait for it, stop it, or choose another --run_dir",
        str(caught.value),
    )
    from srvp_tf import load

    load(tmp_path)
    kill(process)
    with pytest.raises(UserError, match="another configuration"):  # no word of the lock
        small_run.trainer(small_run.config(), tmp_path)
    lock = RunLock(tmp_path)
    lock.acquire()
