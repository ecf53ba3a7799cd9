"""Validation while training: the best of N predictions by PSNR over the whole clip."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.forecasting.sampling import Inferred, Sampler
from srvp_tf.metrics.best_of import RunningBest
from srvp_tf.metrics.frame_metrics import psnr, ssim
from srvp_tf.models.clips import Clips, parts
from srvp_tf.models.video_model import VideoModel


class Strip(NamedTuple):
    """One video for the eye, [T, H, W, C] each: the truth and the model's views of it.

    The reconstruction comes from the posterior that saw all frames; the samples saw nt_cond.
    """

    truth: np.ndarray
    reconstruction: np.ndarray
    best: np.ndarray
    worst: np.ndarray
    random: np.ndarray

    def layout(self, nt_cond: int) -> dict:
        """Arguments of `srvp_tf.video`'s functions that show it."""
        return {
            "videos": np.stack(self),
            "conditioning": [len(self.truth), len(self.truth), *3 * [nt_cond]],
            "captions": list(self._fields),
        }


class ValidationResult(NamedTuple):
    """psnr [dB], ssim: over the predicted frames of the best samples, mean over videos."""

    psnr: float
    ssim: float
    strip: Strip


class Validator:
    """Scores a model on batches of clips.

    Of N samples per video the best by PSNR over ALL frames, reconstructions included as far as the
    model has them, is chosen; its score is taken over the predicted frames.

    Args:
        model: a `VideoModel`.
        nt_cond: frames that predictions are conditioned on.
        num_frames: frames of a clip.
        num_samples: N.
        seed: of the predictions.
    """

    def __init__(
        self,
        model: VideoModel,
        nt_cond: int,
        num_frames: int,
        num_samples: int,
        seed: int | tf.Tensor,
    ):
        self.sampler = Sampler(model, nt_cond, num_frames, seed)
        self.num_samples = num_samples
        self._score = tf.function(self._score)
        self._judge = tf.function(self._judge)
        self._reconstruct = tf.function(self._reconstruct)

    def run(self, batches: Iterable[Clips]) -> ValidationResult:
        """`ValidationResult` over an iterable of batches [B, T, H, W, C], uint8 or in [0, 1]."""
        scores, strip, first_video = [], None, 0
        for clips in batches:
            videos, _ = parts(clips)
            video_ids = first_video + tf.range(videos.shape[0])
            first_video += videos.shape[0]
            inferred = self.sampler.infer(clips)
            running = RunningBest("psnr", higher_is_better=True)
            for samples in self.sampler.chunks(videos.shape[0], self.num_samples):
                values = self._score(videos, inferred, video_ids, samples)
                running.update(values.numpy(), int(samples[0]))
            chosen = tf.constant(running.best.index[:, None], tf.int32)
            best_frames, *judged = self._judge(videos, inferred, video_ids, chosen)
            scores.append(np.stack(judged))
            if strip is None:
                strip = self._strip(clips, inferred, video_ids, running, best_frames[0].numpy())
        if strip is None:
            raise UserError("the validation data is empty: give one batch or more")
        mean = np.concatenate(scores, axis=1).astype(np.float64).mean(axis=1)
        return ValidationResult(float(mean[0]), float(mean[1]), strip)

    def _score(
        self, videos: tf.Tensor, inferred: Inferred, video_ids: tf.Tensor, samples: tf.Tensor
    ):
        """PSNR over all frames that the model explains: [B, S]."""
        drawn = self.sampler.draw(inferred, video_ids, samples).all_frames()
        target = self.sampler.model.to_unit_range(videos)[:, None, -drawn.shape[2] :]
        return tf.reduce_mean(psnr(target, drawn), axis=-1)

    def _judge(
        self, videos: tf.Tensor, inferred: Inferred, video_ids: tf.Tensor, chosen: tf.Tensor
    ):
        """Predicted frames of one chosen sample per video, and its PSNR and SSIM, [B]."""
        drawn = self.sampler.draw(inferred, video_ids, chosen)
        target = self.sampler.model.to_unit_range(videos)[:, self.sampler.nt_cond :]
        predicted = drawn.predicted[:, 0]
        means = (tf.reduce_mean(metric(target, predicted), axis=-1) for metric in (psnr, ssim))
        return predicted, *means

    def _strip(
        self,
        clips: Clips,
        inferred: Inferred,
        video_ids: tf.Tensor,
        running: RunningBest,
        best: np.ndarray,
    ):
        """The first video of a batch. Samples are drawn again: their noise has an address."""
        nt_cond, videos = self.sampler.nt_cond, parts(clips)[0]

        def redraw(index: np.ndarray):
            chosen = tf.constant(np.asarray(index)[:, None], tf.int32)
            return self._judge(videos, inferred, video_ids, chosen)[0][0].numpy()

        truth = self.sampler.model.to_unit_range(videos[0]).numpy()
        observed = truth[:nt_cond]

        def continued(frames: np.ndarray):
            return np.concatenate([observed, frames])

        worst = redraw(running.worst.index)
        arbitrary = redraw(np.zeros_like(running.best.index))  # the first is as random as any
        reconstruction = self._reconstruct(clips, video_ids)[0].numpy()
        return Strip(truth, reconstruction, continued(best), continued(worst), continued(arbitrary))

    def _reconstruct(self, clips: Clips, video_ids: tf.Tensor):
        """All frames through the posterior that saw all of them: [B, T, H, W, C]."""
        model, (videos, given) = self.sampler.model, parts(clips)
        frames = model.to_unit_range(videos)
        return model.call(frames, seed=self.sampler.seed, video_ids=video_ids, **given).frames
