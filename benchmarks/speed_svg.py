"""What SVG costs: `python -m benchmarks.speed_svg`.

A training step and a sampled video against the same model written down step by step
(`benchmarks.plain_svg`), and both against SRVP of equal widths: what a state saves that needs no
frames on the way. Variants take turns in one process.
"""

import argparse

from benchmarks.measure import blocking, interleave, processor, table
from srvp_tf.config.tensorflow_start import start_tensorflow

WIDTHS = {"nf": 16, "nhx": 128, "nh_inf": 256, "nt_inf": 5}
BATCH, FRAMES, OBSERVED = 16, 15, 5
FORECASTS = ((20, 1), (20, 100), (100, 1), (100, 100))  # frames, samples


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    start_tensorflow(deterministic=True)
    models = make_models()
    print(processor())
    print(table(["training step, 16 videos of 15 frames", "ms", "ratio"], steps(models, rounds)))
    print(table(["10 samples of 8 videos, 20 frames", "ms", "ratio"], samples(models, rounds)))
    header = ["predicted frames", "samples", "SRVP, s", "SVG, s", "ratio"]
    print(table(header, forecasts(models, rounds)))


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
    import numpy as np

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
    return rows(interleave(variants, rounds))


def samples(models, rounds):
    """Rows of 10 samples of 8 videos."""
    import tensorflow as tf

    given = tf.constant(videos(8, OBSERVED))
    noise = models["svg"].forecast_noise(0, tf.range(8), tf.range(10), OBSERVED + 20)
    plain = tf.function(models["plain"].predict_plainly)
    variants = {"plain": blocking(lambda: plain(given, noise))}
    for name in ("svg", "srvp"):
        model = models[name]
        variants[name] = blocking(lambda model=model: model.forecast(given, 20, num_samples=10))
    return rows(interleave(variants, rounds))


def forecasts(models, rounds):
    """Rows of SRVP beside SVG, in the memory that evaluation has."""
    import tensorflow as tf

    from srvp_tf.forecasting.sampling import Sampler

    found = []
    for horizon, count in FORECASTS:
        given, variants = tf.constant(videos(1, OBSERVED)), {}
        for name in ("srvp", "svg"):
            sampler = Sampler(models[name], OBSERVED, OBSERVED + horizon, seed=0)
            predict = tf.function(sampler.predict, reduce_retracing=True)

            def draw(sampler=sampler, predict=predict, given=given, count=count):
                inferred, ids = sampler.infer(given), tf.range(1)
                for chunk in sampler.chunks(1, count):
                    predict(inferred, ids, chunk)[0, 0, 0, 0, 0].numpy()

            variants[name] = draw
        timing = interleave(variants, rounds)
        srvp, svg = timing["srvp"].wall, timing["svg"].wall
        found.append([str(horizon), str(count), f"{srvp:.3f}", f"{svg:.3f}", f"{svg / srvp:.2f}"])
    return found


def rows(timing):
    """Name, milliseconds, and how many times those of the first."""
    first = next(iter(timing.values())).wall
    return [[name, f"{1000 * x.wall:.0f}", f"{x.wall / first:.2f}"] for name, x in timing.items()]


if __name__ == "__main__":
    main()
