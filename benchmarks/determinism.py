"""What `--deterministic` costs a training step: `python -m benchmarks.determinism`.

On CPU it runs one operation at a time, a setting of the whole process; so two processes, with it
and without, take turns at a few steps each. Small networks lose most: their operations are too
short for all cores.
"""

import argparse

from benchmarks.arguments import add_list
from benchmarks.measure import processor, table
from benchmarks.turns import interleave_processes, serve
from srvp_tf.config.tensorflow_start import start_tensorflow

SETTINGS = ("quickstart", "smmnist", "kth")
_STEPS = {"quickstart": 10}  # of a turn; else 1


def child(setting, deterministic):
    """Train for a turn whenever it is asked to."""
    start_tensorflow(deterministic)

    from benchmarks.settings import training_step_of

    step, clips = training_step_of(setting, "ours")
    steps = _STEPS.get(setting, 1)

    def turn():
        for number in range(1, steps + 1):
            gradient_norm = step(clips, number).gradient_norm
        gradient_norm.numpy()
        return steps

    serve(turn)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_list(parser, "settings", SETTINGS, "of configs/")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each that are measured")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child is not None:
        return child(a.settings[0], bool(a.child))
    print(processor(), flush=True)
    rows = []
    for setting in a.settings:
        command = ["benchmarks.determinism", f"--settings={setting}"]
        commands = {i: [*command, f"--child={i}"] for i in (0, 1)}
        free, deterministic = interleave_processes(commands, a.rounds).values()
        seconds = [f"{x.wall:.3f} s" for x in (free, deterministic)]
        rows.append([setting, *seconds, f"{deterministic.wall / free.wall:.2f}"])
    print(table(["a step of", "`--nodeterministic`", "`--deterministic`", "ratio"], rows))


if __name__ == "__main__":
    main()
