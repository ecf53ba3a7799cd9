"""The training command in a process of its own, and what it leaves behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.runs.small_run import FLAGS

ROOT = Path(__file__).parents[2]


def start(run_dir, *arguments, module="srvp_tf.train", wrapper=()):
    """The command, as a process; `wrapper` is a command that runs it."""
    command = [*wrapper, sys.executable, "-m", module, *FLAGS, f"--run_dir={run_dir}", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell that runs the tests in the background has it ignored.
    return subprocess.Popen(command, cwd=ROOT, preexec_fn=_heed_ctrl_c, **pipes)


def _heed_ctrl_c():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finish(run_dir, *arguments, **options):
    """Run the command to its end; its standard error."""
    process = start(run_dir, *arguments, **options)
    _, err = process.communicate()
    assert process.returncode == 0, err
    return err


def newest_step(run_dir):
    """Of the checkpoints "last"; 0 if there is none."""
    names = [path.stem for path in Path(run_dir, "checkpoints").glob("last-*.npz")]
    return max((int(name.partition("-")[2]) for name in names), default=0)


def wait_until(process, condition):
    """Wait for `condition()` while the process lives; returns whether it came."""
    while process.poll() is None:
        if condition():
            return True
        time.sleep(0.002)
    return False


def files(run_dir):
    """Relative names of all files but TensorBoard's, whose names tell host and time."""
    paths = (path.relative_to(run_dir) for path in Path(run_dir).rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if not path.name.startswith("events."))
