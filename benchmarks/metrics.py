"""Cost of the metrics in an evaluation: `python -m benchmarks.metrics --run_dir=RUN`.

Judges some test videos of a run by more and more metrics, in turns, on this machine: milliseconds
per sampled video, and each metric's share of an evaluation by PSNR, SSIM and LPIPS. LPIPS takes its
weights from the cache of `srvp_tf.fetch`.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.measure import interleave, table
from srvp_tf.config import corpora
from srvp_tf.config.tensorflow_start import start_tensorflow

ROOT = Path(__file__).parents[1]
NUM_VIDEOS = 4
METRICS = ("psnr", "ssim", "lpips")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run_dir", default=ROOT / "pretrained" / "smmnist")
    parser.add_argument("--num_samples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()

    start_tensorflow(deterministic=False)
    print(metrics_table(a.run_dir, a.num_samples, a.rounds))


def metrics_table(run_dir, num_samples, rounds):
    """Markdown: a row per metric that is added."""
    from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
    from srvp_tf.evaluation.evaluator import Evaluator
    from srvp_tf.runs.run_folder import RunFolder, load_model

    config, model = RunFolder(run_dir).config(), load_model(run_dir)
    data = config.data
    videos = corpora.open_corpus(config).test_videos(length=data.test_length, num_videos=NUM_VIDEOS)
    videos = np.stack(list(videos.as_numpy_iterator()))

    def judge(*metrics):
        functions = ChosenMetrics(metrics).frame_metrics()
        settings = data.nt_cond, data.test_length, num_samples, config.eval.eval_seed
        evaluator = Evaluator(model, *settings, metrics=functions)
        return lambda: evaluator.run(videos, 0)

    added = [METRICS[:count] for count in range(1, len(METRICS) + 1)]
    timings = interleave({metrics: judge(*metrics) for metrics in added}, rounds)
    per_sample = {m: t / (NUM_VIDEOS * num_samples) for m, t in timings.items()}
    whole, rows = per_sample[METRICS], []
    for before, metrics in zip((None, *added), added, strict=False):
        timing = per_sample[metrics]
        own = timing.wall - (per_sample[before].wall if before else 0)
        rows.append(
            [
                f"+ {metrics[-1].upper()}" if before else "sampling, PSNR",
                f"{1e3 * timing.wall:.1f}",
                f"{1e3 * timing.cpu:.1f}",
                f"{own / whole.wall:.0%}",
            ]
        )
    return table(["evaluation by", "ms/sample", "CPU ms", "share of all"], rows)


if __name__ == "__main__":
    main()
