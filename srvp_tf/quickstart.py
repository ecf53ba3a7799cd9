"""Train a small model on the embedded digits, judge it, draw its predictions: `make quickstart`.

Run again, it resumes, or just judges what is trained. All flags of the training command work too.
"""

import math
import time
from typing import NamedTuple

import numpy as np

from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.config.corpora import define_path
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.train import stopped_early, train

FLAGFILE = "configs/quickstart.cfg"
_MEAN_FRAME_CLIPS = 1000
_SHOWN_VIDEOS = 3
_TRIED_STEPS = 3
_BESIDE_GRADIENTS = 1.2  # updates, validations, checkpoints


class Score(NamedTuple):
    """One line of the table: a method, its PSNR of the pooled squared error [dB], its mean SSIM."""

    method: str
    psnr: float
    ssim: float


def define_flags(flag_values):
    """The flags of this command."""
    define_path("run_dir", "runs/quickstart", "folder of the run", flag_values)
    define_config_flags(flag_values)


def main(flag_values):
    """Train or resume, judge, draw; returns the exit status."""
    config = config_from_flags(flag_values)
    run_dir = flag_values.run_dir
    start_tensorflow(config.train.deterministic)
    _test_videos(corpora.open_corpus(config), config)  # if it fails, then before training
    num_steps = config.train.num_steps - max(RunFolder(run_dir).checkpoints().newest_step(), 0)
    minutes = math.ceil(num_steps * step_seconds(config) / 60)
    print(
        f"training {num_steps} steps on Moving MNIST into {run_dir}, about {minutes} min here\n"
        f"watch it: tensorboard --logdir={run_dir}/logs",
        flush=True,
    )
    signal_number = train(config, run_dir)
    if signal_number is not None:
        return stopped_early(signal_number)
    gif = f"{run_dir}/quickstart.gif"
    num_videos, scores = judge(config, run_dir, gif)
    print_table(scores, num_videos, config)
    print(
        f"\npredictions: {gif}  (green: given and true frames, red: predicted ones)\n"
        "next: train a published setting with\n"
        "  python -m srvp_tf.train --flagfile=configs/smmnist.cfg --run_dir=runs/smmnist"
    )
    return 0


def step_seconds(config):
    """About how long a training step takes here, tried out on a model that is thrown away.

    Without a graph, as the real one takes long to build: what that costs a step is known from one
    video alone, and left out.
    """
    import tensorflow as tf

    from srvp_tf.models.noise import training_noise
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training.step import TrainingStep

    m, batch_size = config.model, config.train.batch_size
    step = TrainingStep(SRVP(m, config.train.precision), config.train)
    shape = (config.data.train_length, m.frame_size, m.frame_size, m.channels)

    def seconds(videos):
        clips, taken = tf.zeros([videos, *shape]), []
        noise = training_noise(m, 0, 1, tf.range(videos), shape[0])
        for _ in range(1 + _TRIED_STEPS):  # the first one prepares kernels
            begin = time.perf_counter()
            step.gradients(clips, noise)[0][0].numpy()
            taken.append(time.perf_counter() - begin)
        return min(taken)

    whole, one = seconds(batch_size), seconds(1)
    own = (whole - one) * batch_size / max(batch_size - 1, 1)
    return max(own, whole / 3) * _BESIDE_GRADIENTS  # other programs may have slowed that one


def print_table(scores, num_videos, config):
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


def judge(config, run_dir, gif):
    """(test videos, scores of the trained model and of three baselines); draws some into `gif`."""
    import tensorflow as tf

    from srvp_tf.metrics import baselines
    from srvp_tf.runs.run_folder import load_model

    data, e = config.data, config.eval
    corpus = corpora.open_corpus(config)
    model = load_model(run_dir)
    batches = _test_videos(corpus, config).batch(e.eval_batch_size, drop_remainder=False)
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
    tables = {name: _Table(name) for name in ("SRVP", *methods)}
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
        best = tables["SRVP"].update_best(target, samples)
        for name, method in methods.items():
            tables[name].update(target, method(truth, data.nt_cond))
        if first_video == 0:
            _draw(gif, truth, samples, best, data.nt_cond)
        first_video += batch.shape[0]
    return first_video, [table.score() for table in tables.values()]


def _test_videos(corpus, config):
    return corpus.test_videos(
        length=config.data.test_length, num_videos=config.eval.num_videos or None
    )


class _Table:
    """Accumulates the score of one method over batches of videos."""

    def __init__(self, method):
        from srvp_tf.metrics.baselines import PooledPSNR

        self._method, self._pooled, self._ssim = method, PooledPSNR(), []

    def update(self, target, prediction):
        """Predictions [B, T, H, W, C] of one future each."""
        from srvp_tf.metrics.frame_metrics import ssim

        self._pooled.update(target, prediction)
        self._ssim.extend(np.mean(ssim(target, prediction), axis=-1))

    def update_best(self, target, samples):
        """Samples [B, S, T, H, W, C]: the best of each metric counts; returns that of the error."""
        from srvp_tf.metrics.frame_metrics import ssim

        error = np.mean((samples - target[:, None]) ** 2, axis=(2, 3, 4, 5))
        best = error.argmin(axis=1)
        self._pooled.update(target, samples[np.arange(len(best)), best])
        self._ssim.extend(np.mean(ssim(target[:, None], samples), axis=-1).max(axis=1))
        return best

    def score(self):
        """The `Score` over everything so far."""
        return Score(self._method, self._pooled.result(), float(np.mean(self._ssim)))


def _draw(path, truth, samples, best, nt_cond):
    """A row per video: the truth, the best sample, and one at random."""
    from srvp_tf.video import write_video

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


if __name__ == "__main__":
    command.run(main, define_flags=define_flags, default_flagfile=FLAGFILE, is_crash_safe=True)
