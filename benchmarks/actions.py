"""What a model has learned from actions: `python -m benchmarks.actions --run_dir=runs/arm/model`.

Judges a run on its test videos with their own actions, with those of another video and with zeros,
and, with --compare, a run that takes none: the best of some samples by PSNR, SSIM and, where its
weights are there, LPIPS, with 95 % intervals; and PSNR of the first sample, frame by frame.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import parser_of, print_table, processor
from srvp_tf.runs.test_set import sample_videos

FRAMES = (1, 2, 5, 10, 20, 28)  # predicted ones of the curves


def main():
    """Print the two tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--run_dir", default="arm_actions", help="of a model with actions")
    parser.add_argument("--compare", help="run of a model without actions")
    parser.add_argument("--data_dir", default="", help="where the corpus is, if it has moved")
    parser.add_argument("--num_videos", type=int, default=256)
    parser.add_argument("--num_samples", type=int, default=10)
    a = parser.parse_args()
    from srvp_tf.evaluation.protocol import ACTION_SOURCES, TRUE_ACTIONS

    judged = {f"{kind} actions": (a.run_dir, kind) for kind in ACTION_SOURCES}
    if a.compare:
        judged["a model without actions"] = a.compare, TRUE_ACTIONS
    results = {name: judge(*how, a) for name, how in judged.items()}
    report = next(iter(results.values()))[0]
    print(
        f"\n{processor()}: {report['num_videos']} test videos, {report['predicted_frames']} frames "
        f"predicted from {report['conditioning_frames']}, best of {a.num_samples}\n"
    )
    print_table({"given": name} | scores(report) for name, (report, _) in results.items())
    print("\nPSNR of the first sample, frame by frame\n")
    print_table({"given": name} | by_frame(curve) for name, (_, curve) in results.items())


def judge(run_dir, kind, a):
    """(report of an evaluation, PSNR of the first sample [videos, frames])."""
    from srvp_tf.errors import UserError
    from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
    from srvp_tf.evaluation.protocol import evaluate
    from srvp_tf.metrics.frame_metrics import psnr
    from srvp_tf.models.clips import parts
    from srvp_tf.runs.run_folder import RunFolder

    folder = RunFolder.find(run_dir)
    protocol = {"num_videos": a.num_videos, "num_samples": a.num_samples, "eval_batch_size": 8}
    config = folder.config()
    config = config.replace(data_dir=a.data_dir or config.data.data_dir, **protocol)
    metrics = ChosenMetrics(("psnr", "ssim", "lpips"))
    try:
        metrics.weights_sha256()
    except UserError:
        metrics = ChosenMetrics()
    with tempfile.TemporaryDirectory() as output:
        report = evaluate(config, folder, output, metrics, kind)
        first = np.load(Path(output, "random_1.npz"))["samples"]
    frames, _ = parts(sample_videos(run_dir, report["num_videos"], config.data.data_dir))
    truth = frames[:, config.data.nt_cond :]
    # What was stored was floored.
    curves = [
        psnr(x.astype(np.float32) / 255, (y.astype(np.float32) + 0.5) / 256).numpy()
        for x, y in zip(truth, first, strict=True)
    ]
    return report, np.stack(curves)


def scores(report):
    """Name of a metric -> mean and 95 % interval."""
    from srvp_tf.metrics.registry import METRICS, formatted

    return {
        METRICS[name].heading: f"{formatted(name, x['mean'])} +- {formatted(name, x['ci95'])}"
        for name, x in report["metrics"].items()
    }


def by_frame(curve):
    """Number of a predicted frame -> mean and 95 % interval."""
    mean = curve.mean(axis=0)
    half = 1.96 * curve.std(axis=0, ddof=1) / np.sqrt(len(curve))
    return {
        f"frame {k}": f"{mean[k - 1]:.2f} +- {half[k - 1]:.2f}"
        for k in FRAMES
        if k <= curve.shape[1]
    }


if __name__ == "__main__":
    main()
