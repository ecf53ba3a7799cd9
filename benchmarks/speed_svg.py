"""What SVG costs: `python -m benchmarks.speed_svg`.

A training step and a sampled video against the same model written down step by step
(`benchmarks.plain_svg`), and both against SRVP of equal widths: what a state saves that needs no
frames on the way. Variants take turns in one process.
"""

import numpy as np

from benchmarks.harness import blocking, both, interleave, parser_of, print_table, start
from benchmarks.settings import sampling_of

WIDTHS = {"nf": 16, "nhx": 128, "nh_inf": 256, "nt_inf": 5}
BATCH, FRAMES, OBSERVED = 16, 15, 5
FORECASTS = ((20, 1), (20, 100), (100, 1), (100, 100))  # frames, samples


def main():
    """Measure and print."""
    rounds = parser_of(__doc__, rounds=5).parse_args().rounds
    start()
    models = make_models()
    print_table(steps(models, rounds))
    print_table(samples(models, rounds))
    print_table(forecasts(models, rounds))


def make_models():
    """Name -> model; the two of SVG have the same weights."""
    from benchmarks.plain_svg import plain_copy
    from srvp_tf.config import ModelConfig
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.models.svg.model import SVG

    svg = SVG(ModelConfig(model="svg", nz=10, **WIDTHS))
    return {"plain": plain_copy(svg), "svg": svg, "srvp": SRVP(ModelConfig(nh_res=256, **WIDTHS))}


def videos(count, num_frames):
    """Moving digits [count, num_frames, 64, 64, 1] in [0, 1]."""
    from data_pipelines import open_corpus

    found = open_corpus("moving_mnist").test_videos(length=num_frames, num_videos=count)
    return np.stack(list(found.as_numpy_iterator())) / np.float32(255)


def steps(models, rounds):
    """Rows of the training step."""
    from srvp_tf.config import TrainConfig
    from srvp_tf.training.step import TrainingStep

    clips, variants = videos(BATCH, FRAMES), {}
    for name, model in models.items():
        step = TrainingStep(model, TrainConfig(batch_size=BATCH))
        variants[name] = lambda step=step: step(clips, 1).mean.loss.numpy()
    return rows(f"step, {BATCH} clips of {FRAMES} frames", interleave(variants, rounds))


def samples(models, rounds):
    """Rows of 10 samples of 8 videos."""
    import tensorflow as tf

    given = tf.constant(videos(8, OBSERVED))
    noise = models["svg"].forecast_noise(0, tf.range(8), tf.range(10), OBSERVED + 20)
    plain = tf.function(models["plain"].predict_plainly)
    variants = {"plain": blocking(plain, given, noise)}
    for name in ("svg", "srvp"):
        variants[name] = blocking(models[name].forecast, given, 20, 10)
    return rows("10 samples of 8 videos, 20 frames", interleave(variants, rounds))


def forecasts(models, rounds):
    """Rows of SRVP beside SVG, one video, in the memory that evaluation has."""
    for horizon, count in FORECASTS:
        given = videos(1, OBSERVED + horizon)
        variants = {x: sampling_of(models[x], OBSERVED, given, count) for x in ("srvp", "svg")}
        found = interleave(variants, rounds)
        ratio = both("SVG / SRVP", found["svg"] / found["srvp"])
        seconds = {name.upper() + ", s": f"{x[0]:.3f}" for name, x in found.items()}
        yield {"frames": horizon, "samples": count} | seconds | ratio


def rows(what, found):
    """Milliseconds, and how many times those of the first."""
    first = next(iter(found.values()))
    for name, seconds in found.items():
        yield {what: name, "ms": f"{1000 * seconds[0]:.0f}"} | both("ratio", seconds / first)


if __name__ == "__main__":
    main()
