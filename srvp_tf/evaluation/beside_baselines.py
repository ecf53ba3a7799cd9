"""A run beside predictions that need no model: a table, and a picture."""

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.config import Config, corpora
from srvp_tf.metrics import baselines
from srvp_tf.metrics.baselines import PooledPSNR
from srvp_tf.metrics.frame_metrics import ssim
from srvp_tf.runs.run_folder import load_model
from srvp_tf.video import write_video

if TYPE_CHECKING:
    from srvp_tf.config.corpora import Corpus

_MEAN_FRAME_CLIPS = 1000
_SHOWN_VIDEOS = 3


class Score(NamedTuple):
    """One line of the table: a method, its PSNR of the pooled squared error [dB], its mean SSIM."""

    method: str
    psnr: float
    ssim: float


def print_table(scores: list[Score], num_videos: int, config: Config) -> None:
    """Print the scores, best first."""
    data, e = config.data, config.eval
    predicted = data.test_length - data.nt_cond
    print(
        f"\n{num_videos} test videos of digits never seen, {predicted} frames predicted from "
        f"{data.nt_cond}, best of {e.num_samples} samples"
    )
    print(f"{'':34}{'PSNR':>7}{'SSIM':>9}")
    for score in sorted(scores, key=lambda score: -score.psnr):
        print(f"{score.method:34}{score.psnr:7.2f}{score.ssim:9.4f}")
    model, *baselines = scores
    margin = model.psnr - max(score.psnr for score in baselines)
    print(f"{margin:+.2f} dB over the best baseline")


def judge(
    config: Config, run_dir: str | os.PathLike, gif: str | os.PathLike
) -> tuple[int, list[Score]]:
    """(test videos, scores of the trained model and of three baselines); draws some into `gif`."""
    data, e = config.data, config.eval
    corpus = corpora.open_corpus(config)
    model = load_model(run_dir)
    batches = open_test_videos(corpus, config).batch(e.eval_batch_size, drop_remainder=False)
    clips = corpus.training_batches(
        length=data.train_length, batch_size=_MEAN_FRAME_CLIPS, seed=config.train.seed
    ).take(1)
    mean_frame = baselines.mean_frame(clips.as_numpy_iterator()) / 255.0
    methods = {
        "last frame": baselines.last_frame,
        "mean of the conditioning frames": baselines.conditioning_mean,
        "mean frame of the training set": lambda videos, nt_cond: baselines.training_mean(
            videos, nt_cond, mean_frame
        ),
    }
    ours = config.model.model.upper()
    tables = {name: _Table(name) for name in (ours, *methods)}
    first_video = 0
    for batch in batches:
        video_ids = first_video + tf.range(batch.shape[0])
        truth = batch.numpy().astype(np.float32) / 255.0
        target = truth[:, data.nt_cond :]
        samples = model.forecast(
            batch[:, : data.nt_cond],
            data.test_length - data.nt_cond,
            e.num_samples,
            e.eval_seed,
            video_ids=video_ids,
        ).numpy()
        best = tables[ours].update(target, samples)
        for name, method in methods.items():
            tables[name].update(target, method(truth, data.nt_cond)[:, None])
        if first_video == 0:
            _draw(gif, truth, samples, best, data.nt_cond)
        first_video += batch.shape[0]
    return first_video, [table.score() for table in tables.values()]


def open_test_videos(corpus: "Corpus", config: Config) -> tf.data.Dataset:
    """The test videos of a `Config` that are judged, as a dataset; raises `UserError`."""
    return corpus.test_videos(
        length=config.data.test_length, num_videos=config.eval.num_videos or None
    )


class _Table:
    """Accumulates the score of one method over batches of videos."""

    def __init__(self, method: str):
        self._method, self._pooled, self._ssim = method, PooledPSNR(), []

    def update(self, target: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Samples [B, S, T, H, W, C]: the best of each metric counts; returns that of the error."""
        error = np.mean((samples - target[:, None]) ** 2, axis=(2, 3, 4, 5))
        best = error.argmin(axis=1)
        self._pooled.update(target, samples[np.arange(len(best)), best])
        self._ssim.extend(np.mean(ssim(target[:, None], samples), axis=-1).max(axis=1))
        return best

    def score(self) -> Score:
        """The `Score` over everything so far."""
        return Score(self._method, self._pooled.result(), float(np.mean(self._ssim)))


def _draw(
    path: str | os.PathLike, truth: np.ndarray, samples: np.ndarray, best: np.ndarray, nt_cond: int
):
    """A row per video: the truth, the best sample, and one at random."""
    rows = []
    for i in range(min(_SHOWN_VIDEOS, len(truth))):
        observed = truth[i, :nt_cond]
        chosen = (samples[i, best[i]], samples[i, (best[i] + 1) % samples.shape[1]])
        rows.append([truth[i], *(np.concatenate([observed, sample]) for sample in chosen)])
    videos = np.array(rows)
    write_video(
        path,
        videos,
        fps=5,
        conditioning=[truth.shape[1], nt_cond, nt_cond] * len(rows),
        captions=["truth", "best sample", "random sample"] * len(rows),
    )
