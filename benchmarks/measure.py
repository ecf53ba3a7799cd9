"""Time and CPU time of variants that take turns in one process.

A machine that others use too is slow at times: only variants measured in the same minutes compare.
Ratios are of medians over the rounds. Loads nothing before it is asked to: TensorFlow is started
after the arguments are read.
"""

import functools
import os
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from srvp_tf.config.processor import instruction_sets, multiplies_bfloat16

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
    import tensorflow as tf

    @functools.wraps(function)
    def call(*args):
        return tf.nest.flatten(function(*args))[0].numpy()

    return call


def matmul_variant():
    """A float32 matrix product, to be timed beside others: (function, its FLOPs)."""
    import tensorflow as tf

    a, b = tf.random.normal((2, MATMUL_SIZE, MATMUL_SIZE))
    products = 3  # a longer turn, hence a steadier median

    @tf.function
    def multiply():
        return tf.add_n([tf.linalg.matmul(a + float(i), b)[0, 0] for i in range(products)])

    return blocking(multiply), products * 2 * MATMUL_SIZE**3


def processor():
    """One line for the head of a table: the processor, its cores and what it multiplies with."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "unknown")
    told = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "bf16")
    found = [flag for flag in told if flag in instruction_sets()]
    held = os.environ.get("ONEDNN_MAX_CPU_ISA")
    return (
        f"{name}, {len(os.sched_getaffinity(0))} cores, {' '.join(found) or 'instructions unknown'}"
        + (f"; libraries held to {held}" if held else "")
    )


def hold_to_avx2():
    """Let the libraries that are loaded from now on do without AVX-512, as on most laptops."""
    os.environ.update(
        TF_ENABLE_ONEDNN_OPTS="1",
        ONEDNN_MAX_CPU_ISA="AVX2",
        ATEN_CPU_CAPABILITY="avx2",
        MKL_ENABLE_INSTRUCTIONS="AVX2",
    )


def has_native_bfloat16():
    """Whether bfloat16 is worth a row: elsewhere it is emulated."""
    return multiplies_bfloat16() and os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX2"


def table(header, rows):
    """Rows of strings as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
