"""A disk that fills up, and a folder that becomes read-only, while a run writes there."""

import re
import subprocess

import pytest

from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from srvp_tf.runs.run_folder import save_config
from tests.reliability.runs import files, newest_step, start, wait_until
from tests.reliability.small_disk import small_disk
from tests.runs import small_run

ENDLESS = ("--lr_burnin=1000000", "--checkpoint_interval=2", "--log_interval=2")


def assert_intact(run_dir):
    """The newest checkpoint can be read, and nothing half-written is beside it."""
    folder = CheckpointFolder(run_dir / "checkpoints")
    checkpoints.read_checkpoint(folder.newest("last"))
    assert not [name for name in files(run_dir) if name.endswith(".tmp")]


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
        assert_intact(run_dir)


def mount(*arguments):
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


def test_a_folder_that_turns_read_only_stops_the_run_in_one_line(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    save_config(small_run.config("--lr_burnin=1000000"), tmp_path / "config.json")
    if (refused := mount("--bind", str(folder), str(folder))).returncode:
        pytest.skip(f"cannot mount: {refused.stderr}")
    try:
        process = start(tmp_path, *ENDLESS)
        assert wait_until(process, lambda: newest_step(tmp_path) >= 4), process.communicate()
        turn = ("-o", "remount,bind,ro", str(folder))
        # Refused while a file is being written.
        assert wait_until(process, lambda: mount(*turn).returncode == 0), process.communicate()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert re.fullmatch(r"python -m srvp_tf.train: .*Read-only file system\n", err), err
        checkpoints.read_checkpoint(CheckpointFolder(folder).newest("last"))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    mount("--bind", str(tmp_path), str(tmp_path))
    try:
        assert mount("-o", "remount,bind,ro", str(tmp_path)).returncode == 0
        process = start(tmp_path, *ENDLESS)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert err == (
            f"python -m srvp_tf.train: {tmp_path} cannot be written (not writable): choose "
            "another --run_dir\n"
        )
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)
