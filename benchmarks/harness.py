"""What the benchmarks share: turns and their times, processes, judged runs, command lines, tables.

A machine that others use too is slow at times: only variants measured in the same minutes compare,
so they take turns, and ratios are of medians. Loads no TensorFlow: it is started after the
arguments are read.
"""

import argparse
import contextlib
import functools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from srvp_tf.config import Config
from srvp_tf.config.processor import instruction_sets
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.test_set import sample_videos

ROOT = Path(__file__).parents[1]


def turns(variants, rounds, warm_ups=1):
    """Median of what each of {name: function} returns: numbers, or tuples of as many.

    Every round calls each of them once; the rounds before that, `warm_ups`, do not count.
    """
    found = {name: [] for name in variants}
    for _ in range(warm_ups + rounds):
        for name, function in variants.items():
            found[name].append(function())
    return {name: np.median(values[warm_ups:], axis=0) for name, values in found.items()}


def timed(function):
    """Seconds of a call, [of the clock, of all threads of the process]."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    function()
    return np.array([time.perf_counter() - begin, time.process_time() - begin_cpu])


def interleave(variants, rounds):
    """Median seconds [clock, CPU] of {name: function}; they return when their work is done."""
    return turns({name: functools.partial(timed, call) for name, call in variants.items()}, rounds)


def per_second(function, seconds):
    """Calls per second, [of the clock, of CPU time], that are made in so many seconds."""
    calls, end = 0, time.perf_counter() + seconds

    def call():
        nonlocal calls
        while time.perf_counter() < end:
            function()
            calls += 1

    taken = timed(call)
    return calls / taken


def blocking(function, *args):
    """A function that returns when all of the graph of `function(*args)` has run."""
    import tensorflow as tf

    return lambda: tf.nest.flatten(function(*args))[0].numpy()


_turn = None  # of a process that takes turns with others


def turns_of_processes(variants, rounds, warm_ups=2):
    """As `turns`, for what cannot be switched, or loaded, within one process.

    Args:
        variants: name -> (function, its arguments). Each is called in a process of its own, before
            which TensorFlow is not loaded, and returns the function that takes a turn.
        rounds, warm_ups: as in `turns`; the first turn builds graphs.
    """
    with contextlib.ExitStack() as stack:
        asking = {}
        for name, (function, *args) in variants.items():
            pool = _process(initializer=_prepare, initargs=(function, args))
            stack.enter_context(pool)
            asking[name] = lambda pool=pool: pool.submit(_take_turn).result()
        return turns(asking, rounds, warm_ups)


def in_process(function, *args):
    """What `function(*args)` returns in a process of its own."""
    with _process() as pool:
        return pool.submit(function, *args).result()


def peak_memory():
    """Largest resident size of this process so far, in bytes.

    Not getrusage's: that includes the size of the parent that was forked.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(x for x in lines if x.startswith("VmHWM")).split()[1])


def run(module, *arguments, minutes=None):
    """Run `python -m module`; after so many minutes it is asked to stop. Its failure is ours."""
    process = subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT)
    stopped = 0
    try:
        status = process.wait(minutes and 60 * minutes)
    except subprocess.TimeoutExpired:
        stopped = 128 + signal.SIGTERM
        process.terminate()
        status = process.wait()
    if status not in (0, stopped):
        sys.exit(f"{module} failed with status {status}: the same command goes on from here")


def _process(**options):
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), **options)


def _prepare(function, args):
    global _turn
    _turn = function(*args)


def _take_turn():
    return _turn()


def arm_corpus(folder, num_videos, num_test_videos):
    """Folder of so many videos of the simulated arm, prepared, if need be, in a given one."""
    data_dir = folder / "data"
    if not data_dir.exists():
        source = folder / "source"
        counts = f"--num_videos={num_videos}", f"--num_test_videos={num_test_videos}"
        run("tests.corpora.bair", f"--output_dir={source}", *counts)
        places = f"--source_dir={source}", f"--data_dir={data_dir}"
        run("data_pipelines.prepare", "--dataset=bair", *places)
    return data_dir


def report_of(folder):
    """What `srvp_tf.evaluate` wrote about a run."""
    return json.loads((folder / "evaluation" / "results.json").read_text())


def psnr_of_best(folders):
    """PSNR [dB] of the best samples of judged runs [videos of all, predicted frames]."""
    scores = []
    for folder in folders:
        config = Config.load(folder / "config.json")
        with np.load(folder / "evaluation" / "psnr_best.npz") as archive:
            best = archive["samples"].astype(np.float64)
        truth = sample_videos(folder, len(best))[:, config.data.nt_cond :]
        error = np.square((truth - best) / 255).mean(axis=(2, 3, 4))
        scores.append(-10 * np.log10(np.maximum(error, 1e-10)))
    return np.concatenate(scores)


def draw_curves(path, scores, first_frame, xlabel, bands=False):
    """Draw PSNR over time into a file, with `bands` its 95 % intervals too.

    scores: (title, label) -> `psnr_of_best`; a plot for each title, a line for each label.
    """
    from matplotlib import pyplot

    titles = list(dict.fromkeys(title for title, _ in scores))
    size = {"figsize": (9, 3.2), "sharey": bands, "squeeze": False, "layout": "tight"}
    figure, (axes,) = pyplot.subplots(1, len(titles), **size)
    for (title, label), found in scores.items():
        ax = axes[titles.index(title)]
        frames, mean = first_frame + np.arange(found.shape[1]), found.mean(axis=0)
        (line,) = ax.plot(frames, mean, label=label)
        if bands:
            half = 1.96 * found.std(axis=0) / np.sqrt(len(found))
            ax.fill_between(frames, mean - half, mean + half, alpha=0.2, color=line.get_color())
        ax.set(title=title, xlabel=xlabel)
        ax.grid(visible=True, alpha=0.3)
    axes[0].set_ylabel("PSNR of the best of 10 [dB]")
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def start(deterministic=True):
    """Print what measures, and start TensorFlow."""
    print(processor(), end="\n\n", flush=True)
    start_tensorflow(deterministic)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # warns of functions that are traced anew: many are, once


def parser_of(doc, rounds=None):
    """A parser described by the first line of a docstring; with --rounds, if that has a default."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    if rounds:
        parser.add_argument("--rounds", type=int, default=rounds, help="turns of each variant")
    return parser


def add_list(parser, name, known, help):
    """Add `--name=A,B`, a list out of `known`, by default all of it."""

    def listed(text):
        given = text.split(",")
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    parser.add_argument(f"--{name}", type=listed, default=list(known), help=help)


def print_table(rows):
    """Print rows {heading: cell}, all of the same headings, as a Markdown table, as they come."""
    for number, row in enumerate(rows):
        if not number:
            print(f"| {' | '.join(row)} |\n{'| --- ' * len(row)}|")
        print(f"| {' | '.join(map(str, row.values()))} |", flush=True)
    print()


def both(heading, numbers, form=".2f"):
    """The two cells of numbers [of the clock, of CPU time]."""
    return {heading: format(numbers[0], form), f"{heading}, CPU": format(numbers[1], form)}


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
