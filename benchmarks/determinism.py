"""What `--deterministic` costs a training step: `python -m benchmarks.determinism`.

On CPU it runs one operation at a time, a setting of the whole process; so two processes, with it
and without, take turns at a few steps each. Small networks lose most: their operations are too
short for all cores.
"""

import argparse
import statistics
import subprocess
import sys

from benchmarks.arguments import add_list

SETTINGS = ("quickstart", "smmnist", "kth")
_STEPS = {"quickstart": 10}  # of a turn; else 1


def child(setting, deterministic):
    """Train for a turn at every line of standard input; answer with the seconds of a step."""
    import time

    from srvp_tf import command

    command.start_tensorflow(deterministic)

    from benchmarks.settings import training_step_of

    step, clips = training_step_of(setting, "ours")
    steps, number = _STEPS.get(setting, 1), 0
    for _ in sys.stdin:
        begin = time.perf_counter()
        for _ in range(steps):
            number += 1
            gradient_norm = step(clips, number).gradient_norm
        gradient_norm.numpy()
        print((time.perf_counter() - begin) / steps, flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_list(parser, "settings", SETTINGS, "of configs/")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each that are measured")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child is not None:
        return child(a.settings[0], bool(a.child))

    from srvp_tf import command

    command.start_tensorflow(deterministic=False)

    from benchmarks.measure import table

    rows = []
    for setting in a.settings:
        free, deterministic = compare(setting, a.rounds)
        rows.append(
            [setting, f"{free:.3f} s", f"{deterministic:.3f} s", f"{deterministic / free:.2f}"]
        )
    print(table(["a step of", "`--nodeterministic`", "`--deterministic`", "ratio"], rows))


def compare(setting, rounds):
    """Median seconds of a step, without and with it."""
    command = [sys.executable, "-m", "benchmarks.determinism", f"--settings={setting}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen([*command, f"--child={i}"], **pipes) for i in (0, 1)]
    measured = [[], []]
    for _ in range(2 + rounds):  # the first builds the graph, the second warms up
        for process, seconds in zip(children, measured, strict=True):
            print(file=process.stdin, flush=True)
            seconds.append(float(process.stdout.readline()))
    for process in children:
        process.stdin.close()
        process.wait()
    return [statistics.median(seconds[2:]) for seconds in measured]


if __name__ == "__main__":
    main()
