"""Speed of the published networks: `python -m benchmarks.speed [--only=training]`.

Compares with a plain implementation of the same layers (`benchmarks.plain`). On a machine that
others use, trust the ratios of CPU time more than those of the clock. bfloat16 is left out where
the processor emulates it.
"""

import dataclasses
import itertools
import os

import numpy as np

from benchmarks import harness
from benchmarks.harness import blocking, both, interleave
from benchmarks.settings import clips_of, config_of, model_of, training_step_of
from srvp_tf.config.processor import multiplies_bfloat16

SETTINGS = ("smmnist", "kth", "bair")
MATMUL_SIZE, PRODUCTS = 2048, 3  # a longer turn, hence a steadier median
NUM_VIDEOS, NUM_SAMPLES = 4, 100  # of the evaluation
SIZES = {  # of the scaling; the first of each while another one grows
    "horizon": (10, 20, 40),
    "samples": (1, 4, 8),
    "videos": (1, 4, 8),
    "frame side": (64, 32, 128),
}


def low_precision(variant):
    """The variant, if bfloat16 is worth a row: elsewhere it is emulated."""
    native = multiplies_bfloat16() and os.environ.get("ONEDNN_MAX_CPU_ISA") != "AVX2"
    return (variant,) if native else ()


def training(setting, rounds):
    """One training step: against the plain layers, in bf16, and against the matmul peak."""
    from benchmarks.flops import training_flops

    variants = ("plain", "ours", *low_precision("ours, bf16"))
    steps = {variant: training_step_of(setting, variant) for variant in variants}
    functions = {name: blocking(step, clips, 1) for name, (step, clips) in steps.items()}
    functions["matmul"] = matmul()
    timings = interleave(functions, rounds)
    step, clips = steps["ours"]
    flops = training_flops(step.model, *clips.shape[:2])
    peak = PRODUCTS * 2 * MATMUL_SIZE**3 / timings["matmul"]
    for variant in variants:
        achieved = dict.fromkeys(("of matmul peak", "of matmul peak, CPU"), "")
        if variant != "plain":  # which does more than is counted
            achieved = both("of matmul peak", flops / timings[variant] / peak, ".0%")
        yield {
            "training step (B x T)": f"{setting}, {clips.shape[0]} x {clips.shape[1]}",
            "variant": variant,
            **both("s", timings[variant]),
            **both("speed", timings["plain"] / timings[variant]),
            **achieved,
        }


def matmul():
    """A function that multiplies float32 matrices."""
    import tensorflow as tf

    a, b = tf.random.normal((2, MATMUL_SIZE, MATMUL_SIZE))

    @tf.function
    def multiply():
        return tf.add_n([tf.linalg.matmul(a + float(i), b)[0, 0] for i in range(PRODUCTS)])

    return blocking(multiply)


def evaluation(setting, rounds):
    """One sampled video in evaluation, metrics left out.

    Ours encodes each video once for 100 samples and decodes what is scored, the predicted frames,
    as `srvp_tf.evaluation` does. The plain loop encodes, infers and decodes every sample on its
    own: all frames, as the authors' test script does, or (shorter loop) only the predicted ones.
    """
    import tensorflow as tf

    from srvp_tf.forecasting.sampling import Sampler

    config = config_of(setting)
    given, length = config.data.nt_cond, config.data.test_length
    videos = tf.constant(clips_of(config.model, NUM_VIDEOS, length))

    def sampler(variant):
        return Sampler(model_of(config.model, variant), given, length, seed=0)

    plain = sampler("plain")

    def loop(draw):
        infer, one = plain.infer.python_function, tf.range(1)
        sample = tf.function(lambda video: draw(infer(video), one, one))
        return blocking(sample, videos[:1])

    functions = {"plain loop": loop(plain.draw), "shorter loop": loop(plain.predict)}
    drawn = {}
    for variant in ("ours", *low_precision("ours, bf16")):
        ours = sampler(variant)
        samples = ours.chunks(NUM_VIDEOS, NUM_SAMPLES)[0]
        drawn[variant] = NUM_VIDEOS * len(samples)
        functions[variant, "infer"] = blocking(ours.infer, videos)
        draw = tf.function(ours.predict)
        functions[variant] = blocking(draw, ours.infer(videos), tf.range(NUM_VIDEOS), samples)
    timings = interleave(functions, rounds)
    for variant, count in drawn.items():
        once = timings.pop((variant, "infer")) / (NUM_VIDEOS * NUM_SAMPLES)
        timings[variant] = once + timings[variant] / count
    for variant, timing in timings.items():
        yield {
            "evaluation (observed + predicted)": f"{setting}, {given} + {length - given}",
            "variant": variant,
            **both("ms/sample", 1e3 * timing, ".0f"),
            **both("speed", timings["plain loop"] / timing),
            "over shorter loop": f"{timings['shorter loop'][0] / timing[0]:.2f}",
        }


def latency(setting, rounds):
    """From the observed frames of one video to its prediction: `forecast`, one sample."""
    config = config_of(setting)
    given = config.data.nt_cond
    video = clips_of(config.model, 1, given)
    variants = ("plain", "ours", "ours, frozen", *low_precision("ours, bf16, frozen"))
    models = {variant: model_of(config.model, variant) for variant in variants}
    for horizon, frames in ((1, "first frame"), (30, "30 frames")):
        functions = {name: blocking(x.forecast, video, horizon) for name, x in models.items()}
        timings = interleave(functions, rounds)
        for variant, timing in timings.items():
            yield {
                "latency, one video": f"{setting}, {frames} after {given}",
                "variant": variant,
                **both("ms", 1e3 * timing, ".0f"),
                **both("speed", timings["plain"] / timing),
            }


def scaling(setting, rounds):
    """How the cost of `forecast` grows with horizon, samples, videos and pixels.

    The exponent is the slope of log(time) over log(size): 1 is linear, less is better than linear.
    """
    config = config_of(setting)
    start = {name: sizes[0] for name, sizes in SIZES.items()}

    def forecast(name, size):
        horizon, samples, videos, side = (start | {name: size}).values()
        model_config = dataclasses.replace(config.model, frame_size=side)
        clips = clips_of(model_config, videos, config.data.nt_cond)
        return blocking(model_of(model_config).forecast, clips, horizon, samples)

    for name, sizes in SIZES.items():
        sizes = sorted(sizes)
        timings = interleave({size: forecast(name, size) for size in sizes}, rounds)
        timings = np.array(list(timings.values()))
        # A frame's work is counted by its pixels.
        logs = np.log(sizes) * (2 if name == "frame side" else 1)
        yield {
            "cost against": f"{setting}: {'pixels, frame side' if name == 'frame side' else name}",
            "sizes": ", ".join(map(str, sizes)),
            "ms": ", ".join(f"{1e3 * wall:.0f}" for wall in timings[:, 0]),
            **both("exponent", np.polyfit(logs, np.log(timings), 1)[0]),
        }


TABLES = {x.__name__: x for x in (training, evaluation, latency, scaling)}


def main():
    """Print the tables."""
    parser = harness.parser_of(__doc__, rounds=3)
    harness.add_list(parser, "only", TABLES, "tables, separated by commas")
    harness.add_list(parser, "settings", SETTINGS, "of configs/, likewise")
    parser.add_argument("--avx2", action="store_true", help="hold the libraries to AVX2")
    arguments = parser.parse_args()
    if arguments.avx2:
        harness.hold_to_avx2()
    harness.start()
    for name in arguments.only:
        rows = (TABLES[name](setting, arguments.rounds) for setting in arguments.settings)
        harness.print_table(itertools.chain.from_iterable(rows))


if __name__ == "__main__":
    main()
