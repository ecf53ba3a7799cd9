"""Time and CPU time of variants that take turns in one process.

A machine that others use too is slow at times: only variants measured in the same minutes compare.
Ratios are of medians over the rounds.
"""

import functools
import statistics
import time
from typing import NamedTuple

import tensorflow as tf

MATMUL_SIZE = 2048


class Timing(NamedTuple):
    """Medians over the rounds, in seconds: of the clock, and of all threads of the process."""

    wall: float
    cpu: float

    def __truediv__(self, divisor):
        return Timing(self.wall / divisor, self.cpu / divisor)

    def __add__(self, other):
        return Timing(self.wall + other.wall, self.cpu + other.cpu)


def interleave(variants, rounds):
    """`Timing` of each of {name: function}; functions return when their work is done.

    Every round calls each of them once; one call of each before the first warms up.
    """
    for function in variants.values():
        function()
    measured = {name: [] for name in variants}
    for _ in range(rounds):
        for name, function in variants.items():
            begin, begin_cpu = time.perf_counter(), time.process_time()
            function()
            measured[name].append((time.perf_counter() - begin, time.process_time() - begin_cpu))
    return {
        name: Timing(*map(statistics.median, zip(*times, strict=True)))
        for name, times in measured.items()
    }


def blocking(function):
    """`function`, returning when all of its graph has run: its first tensor is read back."""

    @functools.wraps(function)
    def call(*args):
        return tf.nest.flatten(function(*args))[0].numpy()

    return call


def matmul_variant():
    """A float32 matrix product, to be timed beside others: (function, its FLOPs)."""
    a, b = tf.random.normal((2, MATMUL_SIZE, MATMUL_SIZE))
    products = 3  # a longer turn, hence a steadier median

    @tf.function
    def multiply():
        return tf.add_n([tf.linalg.matmul(a + float(i), b)[0, 0] for i in range(products)])

    return blocking(multiply), products * 2 * MATMUL_SIZE**3


def table(header, rows):
    """Rows of strings as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
