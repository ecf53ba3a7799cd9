"""Fuzz the readers: `python -m tests.fuzz.run --reader=all --cases=1000 --seed=0`.

Every reader gets its whole files, those made by hand, those that were found once, and its share of
`--cases` files damaged at random, in a process of its own kind that may die. Prints a table; exit
status 1 if there is a fault. `--case=mp4/damaged/17` reads one alone.
"""

import json
import os
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from absl import flags

from tests.fuzz import cases
from tests.fuzz.cases import READERS, Case

MOST_SECONDS, MOST_MIB = 10.0, 2048
# Others may use the processors too: who is late is killed later than he is at fault.
_PATIENCE = 45.0
_PATIENCE_AT_FIRST = 300.0  # for the start of TensorFlow
_ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """What became of a case; `fault`: None if all is well."""

    case: Case
    outcome: str
    fault: str | None
    seconds: float
    peak_mib: float


def fuzz(todo: list[Case], seed: int = 0) -> list[Outcome]:
    """Read cases; a process that dies or hangs is a fault, and the next goes on after it."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="srvp_fuzz_") as folder:
        while len(outcomes) < len(todo):
            outcomes += _in_one_process(todo[len(outcomes) :], seed, folder)
    return outcomes


def _in_one_process(todo, seed, folder):
    # Who is killed does not clear away its files.
    environment = os.environ | {"TMPDIR": folder, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
        env=environment,
    )
    outcomes, begun = [], False
    try:
        process.stdin.write(json.dumps({"seed": seed, "cases": todo}).encode())
        process.stdin.close()
        for line in _lines(process.stdout):
            begun = "begins" in line
            if not begun:
                line["case"] = Case(*line["case"])
                outcomes.append(_judged(Outcome(**line)))
        process.wait(60)
        if len(outcomes) == len(todo):
            return outcomes
        how = f"the process died ({process.returncode})"
    except (TimeoutError, subprocess.TimeoutExpired):
        how = f"no answer after {_PATIENCE:.0f} s"
    finally:
        process.kill()
        process.wait()
    case = todo[len(outcomes)]
    if not begun:
        raise RuntimeError(f"{case}: {how} while it was made")
    return [*outcomes, Outcome(case, "died", how, _PATIENCE, 0.0)]


def _lines(pipe):
    selector, rest, patience = selectors.DefaultSelector(), b"", _PATIENCE_AT_FIRST
    selector.register(pipe, selectors.EVENT_READ)
    while True:
        if not selector.select(patience):
            raise TimeoutError
        if not (part := os.read(pipe.fileno(), 1 << 16)):
            return
        patience = _PATIENCE
        *whole, rest = (rest + part).split(b"\n")
        yield from map(json.loads, whole)


def _judged(outcome):
    if outcome.fault is None and outcome.seconds > MOST_SECONDS:
        return outcome._replace(fault=f"took {outcome.seconds:.1f} s")
    if outcome.fault is None and outcome.peak_mib > MOST_MIB:
        return outcome._replace(fault=f"took {outcome.peak_mib:.0f} MiB")
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """A row per reader, then all faults."""
    lines = [
        "| reader | cases | accepted | refused | faults | worst s | peak MiB | the slowest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(outcome.case.reader for outcome in outcomes))
    for name in [*names, "all"]:
        of_name = [o for o in outcomes if name in (o.case.reader, "all")]
        slowest = max(of_name, key=lambda o: o.seconds)
        count = {kind: sum(o.outcome == kind for o in of_name) for kind in ("accepted", "refused")}
        lines.append(
            f"| {name} | {len(of_name)} | {count['accepted']} | {count['refused']} | "
            f"{sum(o.fault is not None for o in of_name)} | {slowest.seconds:.2f} "
            f"| {max(o.peak_mib for o in of_name):.0f} | {'/'.join(slowest.case[1:])} |"
        )
    lines += [f"FAULT {o.case}: {o.fault}" for o in outcomes if o.fault]
    return "\n".join(lines)


def all_cases(reader: str, num_damaged: int, first: int = 0) -> list[Case]:
    """Everything that there is for a reader."""
    return [
        *cases.whole(reader),
        *cases.crafted(reader),
        *cases.kept(reader),
        *cases.damaged(reader, num_damaged, first),
    ]


def define_flags(flag_values):
    """The flags of this command."""
    flags.DEFINE_list("reader", ["all"], "readers, or all", flag_values=flag_values)
    flags.DEFINE_integer("cases", 1000, "damaged files, over all readers", flag_values=flag_values)
    flags.DEFINE_integer("seed", 0, "of the damage", flag_values=flag_values)
    flags.DEFINE_string("case", None, "one case, as a table names it", flag_values=flag_values)
    flags.DEFINE_string("keep", None, "with --case: write its files there", flag_values=flag_values)


def main(flag_values):
    """Fuzz; returns the exit status."""
    from srvp_tf.config.tensorflow_start import start_tensorflow

    start_tensorflow(deterministic=True)
    if flag_values.case:
        todo = [Case(*flag_values.case.split("/", 2))]
        if flag_values.keep:
            from tests.fuzz.reader import write

            write(cases.files(todo[0], flag_values.seed)[0], Path(flag_values.keep))
    else:
        names = list(READERS) if flag_values.reader == ["all"] else flag_values.reader
        share = -(-flag_values.cases // len(names))
        todo = [case for name in names for case in all_cases(name, share)]
    outcomes = fuzz(todo, flag_values.seed)
    print(table(outcomes))
    return int(any(outcome.fault for outcome in outcomes))


if __name__ == "__main__":
    from srvp_tf.cli import command

    command.run(main, define_flags=define_flags)
