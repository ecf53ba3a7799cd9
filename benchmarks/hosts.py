"""Training by 1, 2 and 4 processes on this machine: `python -m benchmarks.hosts`.

Joined by `TF_CONFIG` over the loopback interface, each pinned to its cores, they train the
quickstart's network on one global batch. The ratio to look at is that of two processes, a core
each, to one on one core. More processes than cores show the price of exchanging gradients and
statistics.
"""

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks.harness import parser_of, print_table, start, turns
from benchmarks.settings import few_steps, logged

WARM_UP = 10  # steps; the first ones build the graph


def main():
    """Print the table."""
    parser = parser_of(__doc__, rounds=3)
    parser.add_argument("--steps", type=int, default=50, help="steps that are measured")
    a = parser.parse_args()
    start(deterministic=False)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("one core shows nothing: run it on two or more")
    variants = {  # the processes' sets of cores
        "1 process, 1 core": [cores[:1]],
        f"1 process, {len(cores)} cores": [cores],
        "2 processes, 1 core each": [cores[:1], cores[1:2]],
        f"4 processes, {len(cores)} cores": [[cores[i % len(cores)]] for i in range(4)],
    }
    train = {name: functools.partial(steps_per_second, x, a.steps) for name, x in variants.items()}
    speeds = turns(train, a.rounds, warm_ups=0)
    base = speeds["1 process, 1 core"]
    print_table(
        {"": name, "steps/s": f"{speed:.2f}", "ratio": f"{speed / base:.2f}"}
        for name, speed in speeds.items()
    )


def steps_per_second(core_sets, steps):
    """Median over the measured steps, as the run logs them; one worker per set of cores."""
    from tests.hosts.workers import free_addresses

    cluster = {"worker": free_addresses(len(core_sets))}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "srvp_tf.train", "--flagfile=quickstart.cfg"),
            *few_steps(WARM_UP, steps),
            "--batch_size=16",
            f"--run_dir={folder}/run",
        ]
        processes = []
        for index, cores in enumerate(core_sets):
            place = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            joined = {"CUDA_VISIBLE_DEVICES": "", "TF_CONFIG": json.dumps(place)}
            processes.append(
                subprocess.Popen(
                    command,
                    env=os.environ | joined,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    # TensorFlow starts as many threads as the process has cores.
                    preexec_fn=functools.partial(os.sched_setaffinity, 0, cores),
                )
            )
        errors = [process.communicate()[1] for process in processes]
        if any(process.returncode for process in processes):
            sys.exit("".join(errors))
        return statistics.median(logged(f"{folder}/run", "speed/steps_per_second", WARM_UP))


if __name__ == "__main__":
    main()
