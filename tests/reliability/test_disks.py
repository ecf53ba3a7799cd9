"""A disk that fills up, and a folder that becomes read-only, while a run writes there."""

import contextlib
import re
import subprocess

import pytest

from srvp_tf import train
from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from srvp_tf.runs.run_folder import save_config
from tests.cli.commands import refusal
from tests.reliability.runs import leftovers, newest_step, start, wait_until
from tests.reliability.small_disk import small_disk
from tests.runs import small_run

ENDLESS = ("--lr_burnin=1000000", "--checkpoint_interval=2", "--log_interval=2")


@pytest.mark.parametrize(
    "arguments", ["--keep_last=1000", pytest.param("--val_interval=2", marks=pytest.mark.long)]
)
def test_a_full_disk_stops_the_run_in_one_line(tmp_path, arguments):
    with small_disk(tmp_path / "disk", 1500) as disk:
        run_dir = disk / "run"
        process = start(run_dir, *ENDLESS, arguments)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 1, err
        assert re.fullmatch(r"python -m srvp_tf.train: .*No space left on device.*\n", err), err
        assert newest_step(run_dir) > 0
        checkpoints.read_checkpoint(CheckpointFolder(run_dir / "checkpoints").newest("last"))
        assert not leftovers(run_dir)


def remount_read_only(folder):
    """Whether it could be done: it is refused while a file is being written."""
    turn = ["mount", "-o", "remount,bind,ro", folder]
    return subprocess.run(turn, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def own_mount(folder):
    """Context: the folder is mounted onto itself; without the right, a skip."""
    bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    if bound.returncode:
        pytest.skip(f"cannot mount: {bound.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.long
def test_a_folder_that_turns_read_only_stops_the_run_in_one_line(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    save_config(small_run.config("--lr_burnin=1000000"), tmp_path / "config.json")
    with own_mount(folder):
        process = start(tmp_path, *ENDLESS)
        assert wait_until(lambda: newest_step(tmp_path) >= 4, process), process.communicate()
        assert wait_until(lambda: remount_read_only(folder), process), process.communicate()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert re.fullmatch(r"python -m srvp_tf.train: .*Read-only file system\n", err), err
        checkpoints.read_checkpoint(CheckpointFolder(folder).newest("last"))
    with own_mount(tmp_path):
        assert remount_read_only(tmp_path)
        err = refusal(
            train, *small_run.FLAGS, *ENDLESS, f"--run_dir={tmp_path}", untouched=tmp_path
        )
        assert f"{tmp_path} cannot be written (not writable): choose another --run_dir" in err
