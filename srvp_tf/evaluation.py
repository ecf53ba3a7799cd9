"""The evaluation protocol (section 6): best of N samples per video, for each metric separately."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.metrics.best_of import HIGHER_IS_BETTER, RunningBest
from srvp_tf.metrics.frame_metrics import psnr, ssim
from srvp_tf.sampling import Sampler

FRAME_METRICS = {"psnr": psnr, "ssim": ssim}
NUM_RANDOM = 5  # samples that are kept for their own sake


class BatchResult(NamedTuple):
    """What is known of B test videos.

    scores: metric -> best score of each video, float64 [B].
    samples: name -> uint8 [B, K, H, W, C]: `<metric>_best`, `<metric>_worst`, `random_1`, ..., the
        predicted frames of these samples; `cond_rec` [B, nt_cond, H, W, C], the conditioning frames
        as reconstructed in the first sample.
    """

    scores: dict
    samples: dict


class Evaluator:
    """Judges a model on batches of test videos, on all replicas of a strategy.

    Every video is encoded once. Samples are drawn and scored in chunks, and only scores leave the
    device; the few samples that are kept are drawn again, as their noise has an address.

    Args:
        model: an `SRVP`, made under the strategy.
        nt_cond: frames that predictions are conditioned on.
        num_frames: frames of a video.
        num_samples: N.
        seed: of the predictions.
        strategy: of `tf.distribute`.
    """

    def __init__(self, model, nt_cond, num_frames, num_samples, seed, strategy=None):
        self.sampler = Sampler(model, nt_cond, num_frames, seed)
        self.num_samples = num_samples
        self.strategy = strategy or tf.distribute.get_strategy()
        self._infer = self._on_replicas(self.sampler.infer)
        self._score = self._on_replicas(self._score)
        self._redraw = self._on_replicas(self._redraw)

    def run(self, videos, first_video, on_chunk=lambda num_predictions: None):
        """Judge videos first_video, first_video + 1, ... of the test set.

        Args:
            videos: uint8 [B, T, H, W, C], B a multiple of the number of replicas.
            first_video: index of the first one: it addresses the noise.
            on_chunk: called with the number of predictions that were just judged.

        Returns:
            `BatchResult`.
        """
        batch_size = len(videos)
        ids = first_video + np.arange(batch_size, dtype=np.int32)
        videos, ids = self._cut(videos), self._cut(ids)
        inferred = self._infer(videos)
        running = {name: RunningBest(name, HIGHER_IS_BETTER[name]) for name in FRAME_METRICS}
        per_replica = batch_size // self.strategy.num_replicas_in_sync
        for samples in self.sampler.chunks(per_replica, self.num_samples):
            scores = self._join(self._score(videos, inferred, ids, samples))
            for name, values in scores.items():
                running[name].update(values, int(samples[0]))
            on_chunk(batch_size * len(samples))
        return self._kept(running, inferred, ids, batch_size)

    def _kept(self, running, inferred, ids, batch_size):
        chosen = {}
        for name, extremes in running.items():
            chosen[f"{name}_best"] = extremes.best.index
            chosen[f"{name}_worst"] = extremes.worst.index
        for i in range(min(NUM_RANDOM, self.num_samples)):
            chosen[f"random_{i + 1}"] = np.full(batch_size, i)
        indices = np.stack(list(chosen.values()), axis=1).astype(np.int32)
        frames, reconstructed = self._join(self._redraw(inferred, ids, self._cut(indices)))
        samples = {name: frames[:, i] for i, name in enumerate(chosen)}
        samples["cond_rec"] = reconstructed
        return BatchResult({name: r.best.value for name, r in running.items()}, samples)

    def _score(self, videos, inferred, ids, samples):
        """Metric -> score of every sample, averaged over the predicted frames: [B, S]."""
        predicted = self.sampler.predict(inferred, ids, samples)
        target = self.sampler.model.to_unit_range(videos)[:, None, self.sampler.nt_cond :]
        return {
            name: tf.reduce_mean(metric(target, predicted), axis=-1)
            for name, metric in FRAME_METRICS.items()
        }

    def _redraw(self, inferred, ids, indices):
        """Predictions of the samples `indices` [B, S]; reconstructions of sample 0; both uint8."""
        predicted = self.sampler.predict(inferred, ids, indices)
        first = self.sampler.draw(inferred, ids, tf.zeros_like(indices[:, :1]))
        return _quantise(predicted), _quantise(first.reconstructed[:, 0])

    def _on_replicas(self, function):
        """`function` as one graph that runs on every replica, on its part of each argument."""
        return tf.function(lambda *args: self.strategy.run(function, args=args))

    def _cut(self, array):
        """The rows of an array, in equal parts for the replicas."""
        parts = np.split(array, self.strategy.num_replicas_in_sync)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    def _join(self, values):
        """The results of all replicas, their rows in order, as arrays."""
        return tf.nest.map_structure(
            lambda x: np.concatenate(
                [part.numpy() for part in self.strategy.experimental_local_results(x)]
            ),
            values,
        )


def _quantise(frames):
    """[0, 1] -> uint8 by truncation, as saved frames are (section 6)."""
    return tf.cast(tf.floor(tf.clip_by_value(frames, 0.0, 1.0) * 255.0), tf.uint8)
