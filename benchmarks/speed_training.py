"""Cost of one training step: against the plain layers, in bf16, and against the matmul peak."""

from benchmarks.flops import training_flops
from benchmarks.measure import (
    blocking,
    has_native_bfloat16,
    interleave,
    matmul_variant,
    table,
)
from benchmarks.memory import peak_memory
from benchmarks.settings import training_step_of

HEADER = (
    "training step (B x T)",
    "variant",
    "s",
    "CPU s",
    "speed",
    "by CPU",
    "GFLOP/s",
    "of matmul peak",
    "by CPU",
    "peak GB",
)


def training_table(settings, rounds):
    """Markdown: every setting and variant; speed as a multiple of the plain layers'."""
    return table(HEADER, [row for setting in settings for row in _rows(setting, rounds)])


def _rows(setting, rounds):
    variants = ("plain", "ours", *(("ours, bf16",) if has_native_bfloat16() else ()))
    steps = {variant: training_step_of(setting, variant) for variant in variants}
    functions = {name: blocking(_call(*step)) for name, step in steps.items()}
    functions["matmul"], matmul_flops = matmul_variant()
    timings = interleave(functions, rounds)
    step, clips = steps["ours"]
    flops = training_flops(step.model, *clips.shape[:2])
    peak, plain = timings["matmul"], timings["plain"]
    for variant in variants:
        timing = timings[variant]
        # Of what is still done: the plain layers do more than is counted.
        achieved, memory = ["", "", ""], ""
        if variant != "plain":
            shares = (
                flops / ours * theirs / matmul_flops
                for ours, theirs in zip(timing, peak, strict=True)
            )
            achieved = [f"{flops / timing.wall / 1e9:.0f}", *(f"{100 * s:.0f} %" for s in shares)]
            memory = f"{peak_memory(__name__, 'train_twice', setting, variant):.1f}"
        yield [
            f"{setting}, {clips.shape[0]} x {clips.shape[1]}",
            variant,
            f"{timing.wall:.2f}",
            f"{timing.cpu:.2f}",
            f"{plain.wall / timing.wall:.2f}",
            f"{plain.cpu / timing.cpu:.2f}",
            *achieved,
            memory,
        ]


def _call(step, clips):
    return lambda: step(clips, 1)


def train_twice(setting, variant):
    """Two training steps in this process: the second finds all buffers in place."""
    step, clips = training_step_of(setting, variant)
    for number in (1, 2):
        step(clips, number)
