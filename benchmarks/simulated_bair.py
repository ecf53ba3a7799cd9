"""Learns the simulated stand-in for BAIR in minutes: `python -m benchmarks.simulated_bair`.

Makes the corpus (extra `test-long`), prepares it, trains `tests/corpora/bair_small.cfg` for at
most --minutes, and judges the last model on held-out videos beside predictions that need no model:
PSNR of the squared error pooled over all predicted frames. Writes a GIF. What is there already is
not made again, so a second call trains on, or just judges. Flags of the training may follow `--`.
"""

import json
import os
from pathlib import Path

import numpy as np

from benchmarks.harness import ROOT, arm_corpus, parser_of, print_table, run, timed
from srvp_tf.config import Config, corpora
from srvp_tf.config.tensorflow_start import start_tensorflow

BATCH = 8  # videos that are judged at a time
SHOWN = 3  # videos in the GIF


def main():
    """Make, prepare, train, judge; prints the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--output_dir", default="runs/simulated_bair")
    parser.add_argument("--minutes", type=float, default=20, help="of training, at most")
    parser.add_argument("--num_videos", type=int, default=512, help="training videos")
    parser.add_argument("--num_test_videos", type=int, default=64)
    parser.add_argument("--num_samples", type=int, default=10, help="futures per test video")
    parser.add_argument("training_flags", nargs="*", help="after --")
    a = parser.parse_args()
    folder = Path(a.output_dir).resolve()
    data = f"--data_dir={arm_corpus(folder, a.num_videos, a.num_test_videos)}"
    run_dir = folder / "run"
    flags = f"--flagfile={ROOT}/tests/corpora/bair_small.cfg", data, f"--run_dir={run_dir}"
    flags += (*a.training_flags,)
    seconds = timed(lambda: run("srvp_tf.train", *flags, minutes=a.minutes))[0]
    scores = judge(run_dir, a.num_samples, folder / "simulated_bair.gif")
    (folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    cores = len(os.sched_getaffinity(0))
    print(f"\ntrained for {seconds / 60:.1f} minutes on {cores} cores\n")
    print_table(
        {
            "prediction of held-out videos": name,
            "PSNR": f"{psnr:.2f} dB",
            "over the last frame": f"{psnr - scores['last frame']:+.2f} dB",
        }
        for name, psnr in sorted(scores.items(), key=lambda item: -item[1])
    )
    print(folder / "simulated_bair.gif")


def judge(run_dir, num_samples, gif):
    """Name of a prediction -> pooled PSNR [dB] on all test videos; draws some of them."""
    start_tensorflow(deterministic=True)
    from srvp_tf.metrics import baselines
    from srvp_tf.runs.run_folder import load_model

    config = Config.load(run_dir / "config.json")
    nt_cond, length = config.data.nt_cond, config.data.test_length
    model, corpus = load_model(run_dir, "last"), corpora.open_corpus(config)
    training = corpus.training_batches(length=length, batch_size=256, seed=0).take(1)
    mean_frame = baselines.mean_frame(training.as_numpy_iterator()) / 255.0
    pooled = {}
    batches = corpus.test_videos(length=length).batch(BATCH).as_numpy_iterator()
    for number, batch in enumerate(batches):
        truth = batch.astype(np.float32) / 255.0
        target = truth[:, nt_cond:]
        ids = number * BATCH + np.arange(len(batch), dtype=np.int32)
        samples = model.forecast(
            batch[:, :nt_cond], length - nt_cond, num_samples, seed=0, video_ids=ids
        ).numpy()
        error = np.square(samples - target[:, None]).mean(axis=(2, 3, 4, 5))
        best = samples[np.arange(len(batch)), error.argmin(axis=1)]
        predictions = {
            f"SRVP, best of {num_samples} samples": best,
            "SRVP, one sample": samples[:, 0],
            f"SRVP, mean of {num_samples} samples": samples.mean(axis=1),
            "last frame": baselines.last_frame(truth, nt_cond),
            "mean frame": baselines.training_mean(truth, nt_cond, mean_frame),
        }
        for name, prediction in predictions.items():
            pooled.setdefault(name, baselines.PooledPSNR()).update(target, prediction)
        if not number:
            draw(gif, truth, best, samples[:, 0], nt_cond)
    return {name: total.result() for name, total in pooled.items()}


def draw(path, truth, best, random, nt_cond):
    """A row per video: the truth, its best sample, another one."""
    from srvp_tf.video import write_video

    whole = [np.concatenate([truth[:, :nt_cond], x], axis=1) for x in (best, random)]
    videos = np.stack([truth, *whole], axis=1)[:SHOWN]
    conditioning = [truth.shape[1], nt_cond, nt_cond] * len(videos)
    captions = ["truth", "best sample", "random sample"] * len(videos)
    write_video(path, videos, fps=6, conditioning=conditioning, captions=captions, scale=2)


if __name__ == "__main__":
    main()
