"""The training command in a process of its own, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.commands import ROOT
from tests.runs.small_run import flags_of, model_of

DEADLINE = 300  # seconds: the machine may be slow, but nothing may hang


def start(run_dir, *arguments, module="srvp_tf.train", **environment):
    """The command on the tiny run, as a process, on CPU."""
    command = [sys.executable, "-m", module, *flags_of(model_of(arguments)), *arguments]
    return subprocess.Popen(
        [*command, f"--run_dir={run_dir}"],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""} | environment,
        # A shell that runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Wait for the end of a command that must not fail, nor say a word on standard error."""
    _, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, err) == (0, "")


def kill(process):
    """SIGKILL a process that must be alive."""
    assert process.poll() is None, "it was not killed but ended"
    process.kill()
    process.communicate()


def newest_step(run_dir):
    """Of the checkpoints "last"; 0 if there is none."""
    names = [path.stem for path in Path(run_dir, "checkpoints").glob("last-*.npz")]
    return max((int(name.partition("-")[2]) for name in names), default=0)


def wait_until(condition, *processes):
    """Wait for `condition()` while all processes live; returns whether it came."""
    end = time.monotonic() + DEADLINE
    while all(process.poll() is None for process in processes) and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return False


def files(run_dir):
    """Relative names of all files but TensorBoard's, whose names tell host and time."""
    paths = (path.relative_to(run_dir) for path in Path(run_dir).rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if not path.name.startswith("events."))


def leftovers(run_dir):
    """The temporary files in a folder."""
    return [name for name in files(run_dir) if name.endswith(".tmp")]
