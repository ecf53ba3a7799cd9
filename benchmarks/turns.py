"""Processes that take turns: for what cannot be switched, or loaded, within one process.

A child measures one turn at every line of its standard input and answers with seconds of the clock
and of its CPU time. All that wait sleep, so that the one that works has the machine.
"""

import os
import statistics
import subprocess
import sys
import time

from benchmarks.measure import Timing


def serve(turn):
    """Be a child: call `turn()`, which returns the number of units done, at every line."""
    for _ in sys.stdin:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        units = turn()
        seconds = time.perf_counter() - begin, time.process_time() - begin_cpu
        print(*(x / units for x in seconds), flush=True)


def interleave_processes(commands, rounds, warmups=2, environment=None):
    """`Timing` per unit of each child: medians over `rounds`.

    Args:
        commands: name -> arguments of `python -m`.
        rounds: turns that count.
        warmups: turns before them; the first builds graphs.
        environment: variables for all of them, beside this process' own.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = {
        name: subprocess.Popen(
            [sys.executable, "-m", *arguments], env=os.environ | (environment or {}), **pipes
        )
        for name, arguments in commands.items()
    }
    measured = {name: [] for name in children}
    try:
        for _ in range(warmups + rounds):
            for name, process in children.items():
                print(file=process.stdin, flush=True)
                answer = process.stdout.readline()
                if not answer:
                    raise SystemExit(f"{' '.join(commands[name])}: ended, see above")
                measured[name].append([float(x) for x in answer.split()])
    finally:
        for process in children.values():
            process.stdin.close()
            process.wait()
    return {
        name: Timing(*map(statistics.median, zip(*times[warmups:], strict=True)))
        for name, times in measured.items()
    }
