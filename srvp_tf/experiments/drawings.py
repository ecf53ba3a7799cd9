"""The experiments for people: which videos stand side by side, in step, under which caption."""

from typing import NamedTuple

import numpy as np

from srvp_tf.video.in_step import at_rate, with_length

_FPS = 5
"""Frame intervals that are played per second."""

_WIDTH = 128  # of an enlarged frame, in pixels: such a GIF has a third of the bytes of one of 192


class Drawing(NamedTuple):
    """Arguments of `write_video`: rows of `columns` videos, uint8 [N, T, H, W, C]."""

    videos: np.ndarray
    conditioning: list
    captions: list
    columns: int
    fps: float
    scale: int


def draw_frame_rates(
    truth: np.ndarray, truth_rate: int, futures: dict[int, np.ndarray], nt_cond: int
) -> Drawing:
    """A row per video: the truth, and the first sample at each rate; each frame stays until due.

    Args:
        truth: uint8 [B, (T - 1) * truth_rate + 1, H, W, C].
        truth_rate: its frames per interval.
        futures: rate -> uint8 [B, S, (T - nt_cond) * rate, H, W, C]; `truth_rate` and all rates
            divide the largest.
        nt_cond: given frames.
    """
    finest, rows = max(futures), []
    given_length = (nt_cond - 1) * finest + 1
    length = given_length + futures[finest].shape[2]
    for i, video in enumerate(truth):
        rows.append(np.repeat(video, finest // truth_rate, axis=0)[:length])
        observed = video[::truth_rate][:nt_cond]
        rows += [at_rate(observed, x[i, 0], rate, finest)[0] for rate, x in futures.items()]
    captions = [f"truth, rate {truth_rate}", *(f"rate {rate}" for rate in futures)]
    conditioning = [length, *[given_length] * len(futures)]
    return _drawing(rows, conditioning, captions, len(truth), _FPS * finest)


def draw_swap(content: np.ndarray, dynamics: np.ndarray, swapped: np.ndarray) -> Drawing:
    """A row per pair: the source of content, that of dynamics, the swapped video's first sample."""
    length = min(content.shape[1], dynamics.shape[1], swapped.shape[2])
    rows = [
        video[:length]
        for row in zip(content, dynamics, swapped[:, 0], strict=True)
        for video in row
    ]
    captions = ["content", "dynamics", "swapped"]
    return _drawing(rows, [length, length, 0], captions, len(content), _FPS)


def draw_interpolation(videos: np.ndarray) -> Drawing:
    """A row per pair: from the first point to the last, uint8 [B, P, T, H, W, C]."""
    shares = np.linspace(0, 1, videos.shape[1])
    captions = [f"{share:.2g}" for share in shares]
    rows = videos.reshape(-1, *videos.shape[2:])
    return _drawing(rows, [0] * len(captions), captions, len(videos), _FPS)


def draw_long_horizon(futures: np.ndarray, truth: np.ndarray, every: int) -> Drawing:
    """A row per video: the truth, white where it has ended, and the first sample, thinned.

    Args:
        futures: uint8 [B, S, K, H, W, C], every `every`-th predicted frame.
        truth: the true frames that these are [B, at most K, H, W, C].
        every: for the caption.
    """
    rows = []
    for known, future in zip(truth, futures[:, 0], strict=True):
        rows += [with_length(known, len(future)), future]
    captions = ["truth", f"frame 1, {1 + every}, ..."]
    return _drawing(rows, [futures.shape[2], 0], captions, len(futures), 2 * _FPS)


def _drawing(
    rows: list | np.ndarray, conditioning: list[int], captions: list[str], count: int, fps: float
) -> Drawing:
    rows = np.stack(rows)
    scale = max(_WIDTH // rows.shape[3], 1)
    return Drawing(rows, conditioning * count, captions * count, len(captions), fps, scale)
