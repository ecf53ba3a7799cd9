"""Real processes of `srvp_tf.train` on the loopback interface, joined by `TF_CONFIG`."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.runs.small_run import FLAGS

ROOT = Path(__file__).parents[2]
DEADLINE = 240  # seconds: the machine may be slow, but nothing may hang


def free_addresses(count):
    """Addresses 127.0.0.1:port that nobody listens at."""
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in held]


def tf_config(addresses, index):
    """The text that worker `index` is given."""
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


class Workers:
    """`count` workers of one run; a context that leaves no process behind.

    Args:
        count: of workers.
        run_dir: the run folder, or one per worker.
        flags: put over the tiny run's.
        own_flags: worker -> flags of its own.
    """

    def __init__(self, count, run_dir, *flags, own_flags=None):
        addresses = free_addresses(count)
        folders = run_dir if isinstance(run_dir, list) else count * [run_dir]
        self.addresses, self.results = addresses, {}
        self.processes = [
            start(
                {"TF_CONFIG": tf_config(addresses, i)},
                f"--run_dir={folders[i]}",
                *flags,
                *(own_flags or {}).get(i, ()),
            )
            for i in range(count)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def finish(self, *indices):
        """(status, standard output, standard error) of some workers, or of all, at their end."""
        for i in indices or range(len(self.processes)):
            if i not in self.results:
                out, err = self.processes[i].communicate(timeout=DEADLINE)
                self.results[i] = (self.processes[i].returncode, out, err)
        return [self.results[i] for i in indices or range(len(self.processes))]

    def wait_for_checkpoint(self, run_dir, step):
        """Return when a checkpoint of `step` or later is there; all workers must be alive."""
        end = time.monotonic() + DEADLINE
        while newest_step(run_dir) < step:
            ended = [p for p in self.processes if p.poll() is not None]
            assert not ended, [p.communicate() for p in ended]
            assert time.monotonic() < end, f"no checkpoint of step {step}"
            time.sleep(0.05)


def start(environment, *flags):
    """The training command of the tiny run in a process of its own."""
    command = [sys.executable, "-m", "srvp_tf.train", *FLAGS, *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # One device: the tests' own process has two.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def train_alone(run_dir, *flags):
    """Train in one process without `TF_CONFIG`, to the end."""
    process = start({}, f"--run_dir={run_dir}", *flags)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err


def newest_step(run_dir):
    """The step of the newest "last" checkpoint, -1 if there is none."""
    paths = Path(run_dir, "checkpoints").glob("last-*.npz")
    return max((int(path.stem.partition("-")[2]) for path in paths), default=-1)


def logged(run_dir, name):
    """Step -> value of a scalar in TensorBoard's files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(Path(run_dir, "logs")), size_guidance={"tensors": 0})
    events.Reload()
    return {event.step: float(make_ndarray(event.tensor_proto)) for event in events.Tensors(name)}
