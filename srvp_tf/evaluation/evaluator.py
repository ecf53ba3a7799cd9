"""The evaluation protocol: best of N samples per video, for each metric separately."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.forecasting.sampling import Inferred, Sampler
from srvp_tf.metrics.best_of import RunningBest
from srvp_tf.metrics.registry import METRICS
from srvp_tf.models.clips import parts
from srvp_tf.models.unit_range import check_unit_range

if TYPE_CHECKING:
    from srvp_tf.models.video_model import VideoModel

NUM_RANDOM = 5  # samples that are kept for their own sake

# Frames that are scored at once. A small model may draw more within its memory, but LPIPS takes
# some 200 KB for each, and SSIM as much.
_SCORED_FRAMES = 2048


class BatchResult(NamedTuple):
    """What is known of B test videos.

    scores: metric -> score of each video, float64 [B]: of its best sample, or the mean over all
        where `Metric.best_of_samples` says so.
    means: metric -> mean over all samples of each video, float64 [B].
    samples: name -> uint8 [B, K, H, W, C]: `<metric>_best`, `<metric>_worst`, `random_1`, ..., the
        predicted frames of these samples; `cond_rec` [B, <= nt_cond, H, W, C], the
        last conditioning frames as reconstructed in the first sample.
    draws: uint8 [B, num_draws, K, H, W, C], the predicted frames of the first samples.
    """

    scores: dict
    means: dict
    samples: dict
    draws: np.ndarray


class Evaluator:
    """Judges a model on batches of test videos, on all replicas of a strategy.

    Every video is encoded once. Samples are drawn and scored in chunks; of each chunk the scores
    leave the device, and the frames as uint8, of which only the best and the worst so far are kept.

    Args:
        model: made under the strategy.
        nt_cond: frames that predictions are conditioned on.
        num_frames: frames of a video.
        num_samples: N.
        seed: of the predictions.
        metrics: name -> function of (target, prediction), both [..., H, W, C] in [0, 1], to [...];
            names are of the registry. None: PSNR and SSIM.
        num_draws: how many samples to return whole for FVD; independent of N.
    """

    def __init__(
        self,
        model: "VideoModel",
        nt_cond: int,
        num_frames: int,
        num_samples: int,
        seed: int,
        strategy: tf.distribute.Strategy | None = None,
        metrics: dict[str, Callable] | None = None,
        num_draws: int = 0,
    ):
        self.sampler = Sampler(model, nt_cond, num_frames, seed)
        self.num_samples, self.num_draws = num_samples, num_draws
        self.metrics = metrics or {name: METRICS[name].load(None) for name in ("psnr", "ssim")}
        self.strategy = strategy or tf.distribute.get_strategy()
        self._infer = self._on_replicas(self.sampler.infer)
        self._draw = self._on_replicas(self._draw)
        self._score = self._on_replicas(self._score)
        self._reconstruct = self._on_replicas(self._reconstruct)

    def run(
        self,
        videos: np.ndarray | dict[str, np.ndarray],
        first_video: int,
        on_chunk: Callable[[int], object] = lambda num_predictions: None,
    ) -> BatchResult:
        """Judge videos first_video, first_video + 1, ... of the test set.

        Args:
            videos: [B, T, H, W, C], uint8 or float in [0, 1], B a multiple of the number of
                replicas; with actions if the model takes some, {"frames": these, "actions": ...}.
            first_video: index of the first one: it addresses the noise.
            on_chunk: called with the number of predictions that were just judged.

        Raises:
            UserError: floats are not in [0, 1].
        """
        frames, _ = parts(videos)
        check_unit_range(frames)
        batch_size = len(frames)
        ids = first_video + np.arange(batch_size, dtype=np.int32)
        inferred = self._infer(tf.nest.map_structure(self._cut, videos))
        videos, ids = self._cut(frames), self._cut(ids)
        running = {name: RunningBest(name, METRICS[name].higher_is_better) for name in self.metrics}
        per_replica = batch_size // self.strategy.num_replicas_in_sync
        num_random = min(NUM_RANDOM, self.num_samples)
        num_first = max(num_random, self.num_draws)
        first = []  # the first samples, in chunks
        for samples in self._chunks(per_replica):
            scores, frames = self._join(self._score(videos, inferred, ids, samples))
            begin = int(samples[0])
            for name, values in scores.items():
                running[name].update(values, begin, payload=frames)
            if begin < num_first:
                first.append(frames[:, : num_first - begin].copy())
            on_chunk(batch_size * len(samples))
        if self.num_draws > self.num_samples:
            more = tf.range(self.num_samples, self.num_draws)
            first.append(self._join(self._draw(inferred, ids, more)))
        first = np.concatenate(first, axis=1)
        kept = {f"random_{i + 1}": first[:, i] for i in range(num_random)}
        for name, extremes in running.items():
            kept[f"{name}_best"] = extremes.best.payload
            kept[f"{name}_worst"] = extremes.worst.payload
        kept["cond_rec"] = self._join(self._reconstruct(inferred, ids))
        scores = {
            name: extremes.best.value if METRICS[name].best_of_samples else extremes.mean
            for name, extremes in running.items()
        }
        means = {name: extremes.mean for name, extremes in running.items()}
        return BatchResult(scores, means, kept, first[:, : self.num_draws])

    def _chunks(self, batch_size: int) -> Iterator[tf.Tensor]:
        """Yields the indices of all samples, as many at a time as may be drawn and scored."""
        at_once = max(_SCORED_FRAMES // (batch_size * self.sampler.num_frames), 1)
        for samples in self.sampler.chunks(batch_size, self.num_samples):
            for first in range(0, len(samples), at_once):
                yield samples[first : first + at_once]

    def _score(
        self, videos: tf.Tensor, inferred: Inferred, ids: tf.Tensor, samples: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """(Metric -> score of every sample [B, S], averaged over the predicted frames; these)."""
        predicted = self.sampler.predict(inferred, ids, samples)
        target = self.sampler.model.to_unit_range(videos)[:, None, self.sampler.nt_cond :]
        scores = {
            name: tf.reduce_mean(metric(target, predicted), axis=-1)
            for name, metric in self.metrics.items()
        }
        return scores, _quantise(predicted)

    def _draw(self, inferred: Inferred, ids: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        """Predicted frames of samples that are not scored, uint8 [B, S, K, H, W, C]."""
        return _quantise(self.sampler.predict(inferred, ids, samples))

    def _reconstruct(self, inferred: Inferred, ids: tf.Tensor) -> tf.Tensor:
        """The conditioning frames as reconstructed in the first sample, uint8."""
        return _quantise(self.sampler.reconstruct(inferred, ids, tf.range(1))[:, 0])

    def _on_replicas(self, function: Callable) -> Callable:
        """`function` as one graph that runs on every replica, on its part of each argument."""
        return tf.function(lambda *args: self.strategy.run(function, args=args))

    def _cut(self, array: np.ndarray):
        """The rows of an array, in equal parts for the replicas."""
        parts = np.split(array, self.strategy.num_replicas_in_sync)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    def _join(self, values: Any) -> Any:
        """The results of all replicas, their rows in order, as arrays."""
        return tf.nest.map_structure(
            lambda x: np.concatenate(
                [part.numpy() for part in self.strategy.experimental_local_results(x)]
            ),
            values,
        )


def _quantise(frames: tf.Tensor) -> tf.Tensor:
    """[0, 1] -> uint8 by truncation, as saved frames are (docs/model.md)."""
    return tf.cast(tf.floor(tf.clip_by_value(frames, 0.0, 1.0) * 255.0), tf.uint8)
