"""Cost of the metrics in an evaluation: `python -m benchmarks.metrics --run_dir=RUN`.

Judges some test videos of a run by more and more metrics, in turns, on this machine: milliseconds
per sampled video, and each metric's share of an evaluation by PSNR, SSIM and LPIPS. LPIPS takes its
weights from the cache of `srvp_tf.fetch`.
"""

from benchmarks.harness import ROOT, both, interleave, parser_of, print_table, start
from srvp_tf.runs.test_set import sample_videos

NUM_VIDEOS = 4
METRICS = {"psnr": "sampling, PSNR", "ssim": "+ SSIM", "lpips": "+ LPIPS"}


def rows(run_dir, num_samples, rounds):
    """A row per metric that is added."""
    from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
    from srvp_tf.evaluation.evaluator import Evaluator
    from srvp_tf.runs.run_folder import RunFolder, load_model

    config, model = RunFolder(run_dir).config(), load_model(run_dir)
    data = config.data
    videos = sample_videos(run_dir, NUM_VIDEOS)

    def judge(metrics):
        functions = ChosenMetrics(metrics).frame_metrics()
        settings = data.nt_cond, data.test_length, num_samples, config.eval.eval_seed
        evaluator = Evaluator(model, *settings, metrics=functions)
        return lambda: evaluator.run(videos, 0)

    names = list(METRICS)
    timings = interleave({x: judge(names[: i + 1]) for i, x in enumerate(names)}, rounds)
    whole, before = timings[names[-1]][0], 0.0
    for name, timing in timings.items():
        yield {
            "evaluation by": METRICS[name],
            **both("ms/sample", 1e3 * timing / (NUM_VIDEOS * num_samples), ".1f"),
            "share of all": f"{(timing[0] - before) / whole:.0%}",
        }
        before = timing[0]


def main():
    """Print the table."""
    parser = parser_of(__doc__, rounds=3)
    parser.add_argument("--run_dir", default=ROOT / "pretrained" / "smmnist")
    parser.add_argument("--num_samples", type=int, default=100)
    a = parser.parse_args()
    start(deterministic=False)
    print_table(rows(a.run_dir, a.num_samples, a.rounds))


if __name__ == "__main__":
    main()
