"""The best-of-N protocol: per metric, the best of N sampled futures of every video.

A score is one number per sample and video, already averaged over the predicted frames. `best_of`
takes all of them at once; `RunningBest` takes them in chunks and keeps only the extremes, so memory
does not grow with N.

Values that are not finite:

  - NaN is neither best nor worst; a video whose samples are all NaN is an error.
  - Infinities are ordinary values here: PSNR is +inf where a frame is copied exactly. One such
    video makes the mean +inf and leaves its interval undefined (NaN); `Summary.infinite` counts
    them. To compare on such data use the pooled error, `baselines.pooled_psnr`.

Ties go to the earlier sample, whatever the order of the chunks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Summary(NamedTuple):
    """One entry of the paper's tables: `mean` +- `ci95` over `videos` test videos."""

    mean: float
    ci95: float
    videos: int
    infinite: int


def best_of(scores: np.ndarray, higher_is_better: bool) -> tuple[np.ndarray, np.ndarray]:
    """Best sample of every video: scores [N, B] -> float64 values [B], int64 sample indices [B].

    Raises:
      ValueError: `scores` is not [N, B] with N >= 1, or a video has no score but NaN.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise ValueError(f"scores must be [samples, videos], got shape {scores.shape}")
    running = RunningBest("score", higher_is_better)
    running.update(scores.T)
    best = running.best
    return best.value, best.index


def summarize(values: Sequence[float] | np.ndarray) -> Summary:
    """Mean over videos and its 95 % half-width 1.96 std / sqrt(B), population std: values [B].

    Raises:
      ValueError: there are no values, or one is NaN.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"values must be one number per video, got shape {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"the score of video {int(np.argmax(np.isnan(values)))} is NaN")
    infinite = int(np.isinf(values).sum())
    if infinite:
        with np.errstate(invalid="ignore"):
            return Summary(float(values.mean()), float("nan"), values.size, infinite)
    half_width = 1.96 * values.std() / np.sqrt(values.size)
    return Summary(float(values.mean()), float(half_width), values.size, infinite)


class Extreme(NamedTuple):
    """The best (or worst) sample of every video.

    value: float64 [B]. index: int64 [B], which of the N samples. payload: [B, ...], what `update`
    was given for these samples, or None.
    """

    value: np.ndarray
    index: np.ndarray
    payload: np.ndarray | None


class RunningBest:
    """The best and the worst sample of every video of one batch, from chunks of samples.

        psnr = RunningBest("psnr", higher_is_better=True)
        for first in range(0, 100, 10):
            frames = ...                                      # [B, 10, T, H, W, C]
            psnr.update(scores, first, payload=frames)        # scores [B, 10]
        psnr.best.value, psnr.best.index, psnr.worst.payload

    Args:
      metric: the metric's name, for errors.
      higher_is_better: True for PSNR and SSIM, False for LPIPS (`metrics.registry`).
    """

    def __init__(self, metric: str, higher_is_better: bool):
        self.metric = metric
        sign = 1.0 if higher_is_better else -1.0
        self._best, self._worst = _Highest(sign), _Highest(-sign)
        self._total: np.ndarray | float = 0.0
        self._count = 0

    def update(
        self, scores: np.ndarray, first_sample: int = 0, payload: np.ndarray | None = None
    ) -> None:
        """Takes S more samples of the same B videos.

        Args:
          scores: [B, S], any float dtype.
          first_sample: which of the N samples `scores[:, 0]` is.
          payload: optional [B, S, ...], e.g. the frames; those of the extremes are copied.

        Raises:
          ValueError: the shapes do not fit, or only some of the chunks come with a payload.
        """
        scores = np.asarray(scores, np.float64)
        if scores.ndim != 2 or scores.shape[1] == 0:
            raise ValueError(f"{self.metric}: scores must be [videos, samples], got {scores.shape}")
        if payload is not None:
            payload = np.asarray(payload)
            if payload.shape[:2] != scores.shape:
                raise ValueError(
                    f"{self.metric}: payload {payload.shape} does not fit scores {scores.shape}"
                )
        if (before := self._best.found) is not None:
            if len(scores) != len(before.value):
                raise ValueError(
                    f"{self.metric}: {len(scores)} videos after {len(before.value)}: "
                    "use one RunningBest per batch of videos"
                )
            if (payload is None) != (before.payload is None):
                raise ValueError(f"{self.metric}: give a payload with every chunk or with none")
        for extreme in (self._best, self._worst):
            extreme.update(scores, first_sample, payload)
        self._total, self._count = self._total + scores.sum(axis=1), self._count + scores.shape[1]

    @property
    def mean(self) -> np.ndarray:
        """The mean over all samples of every video so far, float64 [B]."""
        return self._total / self._count

    @property
    def best(self) -> Extreme:
        """The best sample of every video so far; ValueError if a video has none."""
        return self._best.result(self.metric)

    @property
    def worst(self) -> Extreme:
        """The worst sample of every video so far; ValueError if a video has none."""
        return self._worst.result(self.metric)


class _Highest:
    """The sample with the highest `sign * score` per video, if it has one that is not NaN."""

    def __init__(self, sign: float):
        self._sign = sign
        self.found: Extreme | None = None

    def update(self, scores: np.ndarray, first_sample: int, payload: np.ndarray | None) -> None:
        videos = np.arange(len(scores))
        # In ascending order, NaN comes last, and of equals the earlier sample first.
        column = np.argsort(-self._sign * scores, axis=1, kind="stable")[:, 0]
        value, index = scores[videos, column], first_sample + column
        if payload is not None:
            payload = payload[videos, column]
        if self.found is not None:
            before = self.found
            both = np.stack([before.value, value], axis=1)
            indices = np.stack([before.index, index], axis=1)
            stays = np.lexsort((indices, -self._sign * both))[:, 0] == 0
            value = np.where(stays, before.value, value)
            index = np.where(stays, before.index, index)
            if payload is not None:
                payload[stays] = before.payload[stays]
        self.found = Extreme(value, index, payload)

    def result(self, metric: str) -> Extreme:
        if self.found is None:
            raise ValueError(f"{metric}: no samples were given")
        missing = np.isnan(self.found.value)
        if missing.any():
            raise ValueError(f"{metric}: every sample of video {int(np.argmax(missing))} is NaN")
        return self.found
