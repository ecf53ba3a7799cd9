"""Learns the simulated stand-in for BAIR in minutes: `python -m benchmarks.simulated_bair`.

Makes the corpus (extra `test-long`), prepares it, trains `tests/corpora/bair_small.cfg` for at
most --minutes, and judges the last model on held-out videos beside predictions that need no model:
PSNR of the squared error pooled over all predicted frames. Writes a GIF. What is there already is
not made again, so a second call trains on, or just judges. Flags of the training may follow `--`.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from srvp_tf.config import corpora
from srvp_tf.config.tensorflow_start import start_tensorflow

ROOT = Path(__file__).parents[1]
FLAGFILE = ROOT / "tests" / "corpora" / "bair_small.cfg"
BATCH = 8  # videos that are judged at a time
SHOWN = 3  # videos in the GIF


def main():
    """Make, prepare, train, judge; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", default="runs/simulated_bair")
    parser.add_argument("--minutes", type=float, default=20, help="of training, at most")
    parser.add_argument("--num_videos", type=int, default=512, help="training videos")
    parser.add_argument("--num_test_videos", type=int, default=64)
    parser.add_argument("--num_samples", type=int, default=10, help="futures per test video")
    parser.add_argument("training_flags", nargs="*", help="after --")
    a = parser.parse_args()
    folder = Path(a.output_dir).resolve()
    source, data_dir, run_dir = (folder / name for name in ("source", "data", "run"))
    if not data_dir.exists():
        counts = f"--num_videos={a.num_videos}", f"--num_test_videos={a.num_test_videos}"
        run("tests.corpora.bair", f"--output_dir={source}", *counts)
        run(
            "data_pipelines.prepare",
            "--dataset=bair",
            f"--source_dir={source}",
            f"--data_dir={data_dir}",
        )
    settings = (f"--flagfile={FLAGFILE}", f"--data_dir={data_dir}", f"--run_dir={run_dir}")
    started = time.monotonic()
    run("srvp_tf.train", *settings, *a.training_flags, minutes=a.minutes)
    minutes = (time.monotonic() - started) / 60
    scores = judge(run_dir, a.num_samples, folder / "simulated_bair.gif")
    report(scores, minutes, folder)


def run(module, *arguments, minutes=None):
    """Run a command; after so many minutes it is asked to stop, which training does in order."""
    process = subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT)
    stopped = False
    try:
        status = process.wait(None if minutes is None else 60 * minutes)
    except subprocess.TimeoutExpired:
        stopped = True
        process.send_signal(signal.SIGTERM)
        status = process.wait()
    if status and not (stopped and status == 128 + signal.SIGTERM):
        sys.exit(f"{module} failed with status {status}")


def judge(run_dir, num_samples, gif):
    """Name of a prediction -> pooled PSNR [dB] on all test videos; draws some of them."""
    start_tensorflow(deterministic=True)
    import numpy as np

    from srvp_tf.config import Config
    from srvp_tf.metrics import baselines
    from srvp_tf.runs.run_folder import load_model

    config = Config.load(run_dir / "config.json")
    nt_cond, length = config.data.nt_cond, config.data.test_length
    model, corpus = load_model(run_dir, "last"), corpora.open_corpus(config)
    training = corpus.training_batches(length=length, batch_size=256, seed=0).take(1)
    mean_frame = baselines.mean_frame(training.as_numpy_iterator()) / 255.0
    pooled = {}

    def count(name, target, prediction):
        pooled.setdefault(name, baselines.PooledPSNR()).update(target, prediction)

    first_video = 0
    for batch in corpus.test_videos(length=length).batch(BATCH).as_numpy_iterator():
        truth = batch.astype(np.float32) / 255.0
        target = truth[:, nt_cond:]
        ids = first_video + np.arange(len(batch), dtype=np.int32)
        samples = model.forecast(
            batch[:, :nt_cond], length - nt_cond, num_samples, seed=0, video_ids=ids
        ).numpy()
        error = np.square(samples - target[:, None]).mean(axis=(2, 3, 4, 5))
        best = samples[np.arange(len(batch)), error.argmin(axis=1)]
        count(f"SRVP, best of {num_samples} samples", target, best)
        count("SRVP, one sample", target, samples[:, 0])
        count(f"SRVP, mean of {num_samples} samples", target, samples.mean(axis=1))
        count("last frame", target, baselines.last_frame(truth, nt_cond))
        count("mean frame", target, baselines.training_mean(truth, nt_cond, mean_frame))
        if not first_video:
            draw(gif, truth, best, samples[:, 0], nt_cond)
        first_video += len(batch)
    return {name: total.result() for name, total in pooled.items()}


def draw(path, truth, best, random, nt_cond):
    """A row per video: the truth, its best sample, another one."""
    import numpy as np

    from srvp_tf.video import write_video

    def whole(samples):
        return np.concatenate([truth[:, :nt_cond], samples], axis=1)

    videos = np.stack([truth, whole(best), whole(random)], axis=1)[:SHOWN]
    rows = len(videos)
    write_video(
        path,
        videos,
        fps=6,
        conditioning=[truth.shape[1], nt_cond, nt_cond] * rows,
        captions=["truth", "best sample", "random sample"] * rows,
        scale=2,
    )


def report(scores, minutes, folder):
    """Print the table and keep it as `scores.json`."""
    (folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    print(f"\ntrained for {minutes:.1f} minutes on {len(os.sched_getaffinity(0))} cores\n")
    print("| prediction of held-out videos | PSNR | over the last frame |\n|---|---|---|")
    for name, psnr in sorted(scores.items(), key=lambda item: -item[1]):
        print(f"| {name} | {psnr:.2f} dB | {psnr - scores['last frame']:+.2f} dB |")
    print(f"\n{folder / 'simulated_bair.gif'}")


if __name__ == "__main__":
    main()
