"""What `--deterministic` costs a training step: `python -m benchmarks.determinism`.

On CPU it runs one operation at a time, a setting of the whole process; so two processes, with it
and without, take turns at a few steps each. Small networks lose most: their operations are too
short for all cores.
"""

from benchmarks.harness import add_list, parser_of, print_table, processor, turns_of_processes
from benchmarks.settings import training_turn

SETTINGS = ("quickstart", "smmnist", "kth")


def rows(settings, rounds):
    """A row for each setting."""
    for setting in settings:
        ways = {way: (training_turn, setting, way) for way in (False, True)}
        (free, _), (deterministic, _) = turns_of_processes(ways, rounds).values()
        yield {
            "a step of": setting,
            "`--nodeterministic`": f"{free:.3f} s",
            "`--deterministic`": f"{deterministic:.3f} s",
            "ratio": f"{deterministic / free:.2f}",
        }


def main():
    """Print the table."""
    parser = parser_of(__doc__, rounds=9)
    add_list(parser, "settings", SETTINGS, "of configs/")
    a = parser.parse_args()
    print(processor(), end="\n\n", flush=True)
    print_table(rows(a.settings, a.rounds))


if __name__ == "__main__":
    main()
