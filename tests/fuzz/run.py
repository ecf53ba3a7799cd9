"""Fuzz the readers: `python -m tests.fuzz.run --reader=all --cases=1000 --seed=0`.

Every reader gets its whole files, those made by hand, those that were found once, and its share of
`--cases` files damaged at random, in a process of its own kind that may die. Prints a table; exit
status 1 if there is a fault. `--case=mp4/damaged/17` reads one alone.
"""

import multiprocessing
import tempfile
from pathlib import Path
from typing import NamedTuple

from absl import flags

from tests.fuzz import cases, worker
from tests.fuzz.cases import READERS, Case
from tests.fuzz.reader import store

MOST_SECONDS, MOST_MIB = 10.0, 2048
# Others may use the processors too: who is late is killed later than he is at fault.
_PATIENCE = 45.0
_PATIENCE_AT_FIRST = 300.0  # for the start of TensorFlow


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
    """Outcomes up to the end, or to the case that ended the process."""
    context = multiprocessing.get_context("spawn")
    channel, other_end = context.Pipe()
    process = context.Process(target=worker.serve, args=(other_end, folder, seed))
    process.start()
    other_end.close()
    outcomes, patience = [], _PATIENCE_AT_FIRST
    try:
        for case in todo:
            made = None
            channel.send(case)
            made = _answer(channel, patience)
            patience = _PATIENCE
            outcomes.append(_judged(Outcome(case, *_answer(channel, patience))))
        return outcomes
    except (EOFError, OSError) as end:
        how = str(end)
        if isinstance(end, TimeoutError):
            process.kill()
        else:
            process.join()
            how = f"it died ({process.exitcode})"
        if not made:
            raise RuntimeError(f"{case}: {how} while it was made") from end
        return [*outcomes, Outcome(case, "died", how, _PATIENCE, 0.0)]
    finally:
        channel.close()
        process.join(60)
        process.kill()


def _answer(channel, patience):
    if not channel.poll(patience):
        raise TimeoutError(f"no answer after {patience:.0f} s")
    return channel.recv()


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
    by_hand = cases.crafted(reader)
    return [*cases.found(reader), *by_hand, *cases.damaged(reader, num_damaged, first)]


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
            store(cases.files(todo[0], flag_values.seed)[0], Path(flag_values.keep))
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
