"""SIGTERM and Ctrl-C at any moment: one line, the documented status, no traceback."""

import os
import random
import signal
import time

import pytest

from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from tests.cli.commands import run_python
from tests.reliability.runs import leftovers, newest_step, start, wait_until

ENDLESS = ("--lr_burnin=1000000", "--checkpoint_interval=3", "--log_interval=2")
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}
WORD = {signal.SIGTERM: "terminated", signal.SIGINT: "interrupted"}
STOPPED = "stopped early, nothing is lost: the same command goes on from here"


AT_ONCE = """
import os, signal, sys
from absl import flags
from srvp_tf.cli import command
from srvp_tf.runs.atomic_files import replacing, replacing_folder
from srvp_tf.config.tensorflow_start import quiet_stderr

number = int(sys.argv[1])

def main(_):
    print("it was here")
    with replacing("a") as file, replacing_folder(__import__("pathlib").Path("b")) as folder:
        file.write_text("half")
        (folder / "c").write_text("half")
        with quiet_stderr():
            signal.raise_signal(number)
            for _ in range(1000):  # the handler runs in here
                pass
    print("it was lost")

sys.argv[:] = ["prog"]
command.run(main, flag_values=flags.FlagValues())
"""


@pytest.mark.parametrize("number", list(STATUS))
def test_a_signal_ends_the_process_and_leaves_nothing_half_written(tmp_path, number):
    result = run_python("-c", AT_ONCE, int(number), cwd=tmp_path)
    ending = (STATUS[number], "it was here\n", f"prog: {WORD[number]}\n")
    assert (result.returncode, result.stdout, result.stderr) == ending
    assert not list(tmp_path.iterdir())


def assert_one_line(process, number, out, err):
    """What a run says that was stopped at any moment."""
    assert process.returncode in (STATUS[number], -number), (process.returncode, out, err)
    if process.returncode == -number:  # before the command had begun
        assert (out, err) == ("", "")
    elif out.endswith(f"{STOPPED}\n"):
        assert err == ""
    else:
        assert err == f"python -m srvp_tf.train: {WORD[number]}\n"


def stop_at_moments(run_dir, moments, rng, *arguments):
    """Stop a run that goes on and on, `moments` times; returns how many said that they saved."""
    saved = 0
    for _ in range(moments):
        number = rng.choice(list(STATUS))
        process = start(run_dir, *ENDLESS, *arguments)
        done = newest_step(run_dir)
        if rng.random() < 0.5:
            wait_until(lambda done=done: newest_step(run_dir) > done, process)
            time.sleep(rng.uniform(0, 1.0))
        else:
            # Ctrl-C before Python has reached the command is Python's own affair.
            time.sleep(rng.uniform(0.0 if number == signal.SIGTERM else 1.0, 8.0))
        process.send_signal(number)
        if rng.random() < 0.5:  # as `timeout` does
            process.send_signal(number)
        out, err = process.communicate(timeout=300)
        assert_one_line(process, number, out, err)
        saved += out.endswith(f"{STOPPED}\n")
        assert not leftovers(run_dir)
    checkpoints.read_checkpoint(CheckpointFolder(run_dir / "checkpoints").newest("last"))
    return saved


OFTEN_VALIDATING = ("--val_interval=1", "--val_batches=5", "--val_samples=20")


@pytest.mark.long
@pytest.mark.parametrize(("moments", "arguments"), [(40, ()), (20, OFTEN_VALIDATING)])
def test_many_moments(tmp_path, moments, arguments):
    saved = stop_at_moments(tmp_path, moments, random.Random(os.getpid()), *arguments)
    assert saved >= moments // 4
