"""Training by 1, 2 and 4 processes on this machine: `python -m benchmarks.hosts`.

The processes are joined by `TF_CONFIG` over the loopback interface, each pinned to its cores, and
train the quickstart's network on one global batch. Two hosts have twice the cores, so the ratio to
look at is that of two processes, a core each, to one process on one core. What more processes than
cores lose is the price of the exchange: a summation of all gradients, and of the statistics of each
batch normalisation, per step. Networks with more work per step lose less.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from srvp_tf.config.tensorflow_start import start_tensorflow

WARM_UP = 10  # steps; the first ones build the graph


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=50, help="steps that are measured")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each variant")
    parser.add_argument("--batch_size", type=int, default=16, help="videos per step, of all")
    parser.add_argument("--config", default="quickstart.cfg", help="flagfile of the networks")
    arguments = parser.parse_args()
    start_tensorflow(deterministic=False)  # quietly: TensorBoard's reader loads it
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("one core shows nothing: run it on two or more")
    # The processes' sets of cores.
    variants = {
        "1 process, 1 core": [cores[:1]],
        f"1 process, {len(cores)} cores": [cores],
        "2 processes, 1 core each": [cores[:1], cores[1:2]],
        f"4 processes, {len(cores)} cores": [[cores[i % len(cores)]] for i in range(4)],
    }
    measured = {name: [] for name in variants}
    for _ in range(arguments.rounds):
        for name, sets in variants.items():
            measured[name].append(steps_per_second(sets, arguments))
    speeds = {name: statistics.median(values) for name, values in measured.items()}
    base = speeds["1 process, 1 core"]
    print("| | steps/s | ratio |\n|---|---|---|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed:.2f} | {speed / base:.2f} |")


def steps_per_second(core_sets, arguments):
    """Median over the measured steps, as the run logs them; one worker per set of cores."""
    ports = _free_ports(len(core_sets))
    workers = [f"127.0.0.1:{port}" for port in ports]
    with tempfile.TemporaryDirectory() as folder:
        processes = [
            _start(Path(folder, "run"), workers, index, cores, arguments)
            for index, cores in enumerate(core_sets)
        ]
        errors = [process.communicate()[1] for process in processes]
        if any(process.returncode for process in processes):
            sys.exit("".join(errors))
        return _logged_speed(Path(folder, "run", "logs"))


def _start(run_dir, workers, index, cores, arguments):
    steps = [
        f"--lr_burnin={WARM_UP + arguments.steps}",
        "--lr_decay=0",
        f"--log_interval={WARM_UP}",
        f"--batch_size={arguments.batch_size}",
        "--val_batches=1",
        "--val_batch_size=1",
        "--val_samples=1",
        f"--run_dir={run_dir}",
    ]
    task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
    return subprocess.Popen(
        [sys.executable, "-m", "srvp_tf.train", f"--flagfile={arguments.config}", *steps],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CONFIG": json.dumps(task)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # TensorFlow starts as many threads as the process has cores.
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )


def _free_ports(count):
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]


def _logged_speed(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    logged = events.Tensors("speed/steps_per_second")
    return statistics.median(
        float(make_ndarray(event.tensor_proto)) for event in logged if event.step > WARM_UP
    )


if __name__ == "__main__":
    main()
