"""Whether a swapped video stands still like the one and moves like the other.

Static part: the pixels that neither source ever changes by more than `STILL`, and in which the two
differ by more than `CONTRAST`: where they look alike nothing tells whose they are. A video's static
error to a source is the root mean squared difference from the source's mean over time there.

Motion: the absolute difference of successive frames, averaged over channels and over cells of
`CELL` x `CELL` pixels. A video's motion is compared with a source's by Pearson's correlation over
all cells and times.
"""

from typing import TYPE_CHECKING

import numpy as np

from srvp_tf.experiments.frame_scores import to_unit_floats
from srvp_tf.metrics.best_of import summarize

if TYPE_CHECKING:
    from srvp_tf.experiments.content_swap import ContentSwap

STILL = 0.05
CONTRAST = 0.1
MIN_PIXELS = 16  # a smaller static part says nothing
CELL = 4


def measure_swap(
    content: np.ndarray, dynamics: np.ndarray, swap: "ContentSwap", background: bool = True
) -> list[dict]:
    """Judge the pairs of a swap.

    Args:
        content, dynamics: the source videos [B, T_c or T_d, H, W, C], uint8 or float in [0, 1].
        swap: a `ContentSwap` of them; its first samples are judged, over the frames that both
            sources have.
        background: whether there is one. On black, what stands still is a thing that could move,
            and its place is no content: then no pixel is static.

    Returns:
        A dictionary per pair: `static_pixels`, their share of the frame; for `video` in "swapped",
        "content_reconstruction", "dynamics_reconstruction" the numbers `<video>_static_to_content`
        and `..._to_dynamics` (errors in [0, 1]; None if there are too few static pixels), and
        `<video>_motion_to_content` and `..._to_dynamics` (correlations; None where nothing moves);
        `motion_between_sources`: what two unrelated videos have in common.
    """
    content, dynamics = to_unit_floats(content), to_unit_floats(dynamics)
    length = min(content.shape[1], dynamics.shape[1])
    content, dynamics = content[:, :length], dynamics[:, :length]
    videos = {name: to_unit_floats(x[:, 0, :length]) for name, x in swap._asdict().items()}
    return [
        _measure_pair(
            content[i], dynamics[i], {name: x[i] for name, x in videos.items()}, background
        )
        for i in range(len(content))
    ]


def summarize_swap(pairs: list[dict]) -> dict:
    """Mean and 95 % interval of each number of `measure_swap`, over the pairs that have it.

    Returns:
        name -> {"mean", "ci95", "videos"}, None if no pair has it; `static_closer_to_content` and
        `motion_closer_to_dynamics`: of the swapped videos, the share of the pairs.
    """
    summary = {}
    for name in pairs[0]:
        values = [pair[name] for pair in pairs if pair[name] is not None]
        found = summarize(values) if values else None
        summary[name] = found and {k: getattr(found, k) for k in ("mean", "ci95", "videos")}
    summary["static_closer_to_content"] = _share_below(
        pairs, "swapped_static_to_content", "swapped_static_to_dynamics"
    )
    summary["motion_closer_to_dynamics"] = _share_below(
        pairs, "swapped_motion_to_content", "swapped_motion_to_dynamics"
    )
    return summary


def static_part(content: np.ndarray, dynamics: np.ndarray) -> np.ndarray:
    """The pixels [H, W] that tell two videos [T, H, W, C] apart though nothing moves in them."""
    still = [np.ptp(video, axis=0).max(axis=-1) <= STILL for video in (content, dynamics)]
    difference = np.abs(content.mean(axis=0) - dynamics.mean(axis=0)).max(axis=-1)
    return still[0] & still[1] & (difference > CONTRAST)


def motion_energy(video: np.ndarray) -> np.ndarray:
    """[T, H, W, C] -> motion in cells [T - 1, H // CELL, W // CELL]."""
    moved = np.abs(np.diff(video, axis=0)).mean(axis=-1)
    rows, columns = (size // CELL for size in moved.shape[1:])
    moved = moved[:, : rows * CELL, : columns * CELL]
    return moved.reshape(-1, rows, CELL, columns, CELL).mean(axis=(2, 4))


def _measure_pair(
    content: np.ndarray, dynamics: np.ndarray, videos: dict[str, np.ndarray], background: bool
) -> dict[str, float | None]:
    sources = {"content": content, "dynamics": dynamics}
    static = static_part(content, dynamics) & background
    enough = static.sum() >= MIN_PIXELS
    pair = {
        "static_pixels": float(static.mean()),
        "motion_between_sources": _correlation(content, dynamics),
    }
    for name, video in videos.items():
        for source, frames in sources.items():
            error = np.square(video - frames.mean(axis=0))[:, static]
            pair[f"{name}_static_to_{source}"] = float(np.sqrt(error.mean())) if enough else None
            pair[f"{name}_motion_to_{source}"] = _correlation(video, frames)
    return pair


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Pearson's correlation of two videos' motion, None if one does not move."""
    one, other = (motion_energy(video).ravel().astype(np.float64) for video in (one, other))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _share_below(pairs: list[dict], lower: str, higher: str) -> float | None:
    """The share of the pairs whose number `lower` is below `higher`, None if none has them."""
    below = [
        pair[lower] < pair[higher] for pair in pairs if None not in (pair[lower], pair[higher])
    ]
    return float(np.mean(below)) if below else None
