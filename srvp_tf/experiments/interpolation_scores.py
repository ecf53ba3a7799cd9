"""Whether videos between two move between them, or only fade from the one into the other."""

import numpy as np

from srvp_tf.experiments.frame_scores import to_unit_floats
from srvp_tf.metrics.best_of import summarize


def measure_interpolation(videos: np.ndarray) -> dict[str, dict[str, float]]:
    """Judge interpolated videos of bright things on black, by where their light is.

    Args:
        videos: [B, P, T, H, W, C] of `interpolate_dynamics`, uint8 or float in [0, 1].

    Returns:
        Numbers in pixels, each {"mean", "ci95"} over the B pairs:
        `distance`: of the centres of light of the first and the last point, root mean square over
        time; `deviation`: of the points between from the line between these centres;
        `spread`: the light's standard deviation about its centre, of the points between;
        `spread_of_ends`; `spread_of_fade`: the same of a fade between the first and the last video.
        A thing that moves keeps its spread; in a fade it is seen twice.
    """
    videos = to_unit_floats(videos)
    shares = np.linspace(0, 1, videos.shape[1])[:, None, None]
    measured = [_measure_pair(points, shares) for points in videos]
    return {
        name: {
            key: getattr(summarize([m[name] for m in measured]), key) for key in ("mean", "ci95")
        }
        for name in measured[0]
    }


def _measure_pair(points: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    centres, spreads = _moments(points)
    line = (1 - shares) * centres[0] + shares * centres[-1]
    inner = slice(1, -1) if len(points) > 2 else slice(None)
    weights = shares[inner, ..., None, None]
    fade = (1 - weights) * points[0] + weights * points[-1]
    return {
        "distance": _root_mean_square(centres[-1] - centres[0]),
        "deviation": _root_mean_square(centres[inner] - line[inner]),
        "spread": float(spreads[inner].mean()),
        "spread_of_ends": float(spreads[[0, -1]].mean()),
        "spread_of_fade": float(_moments(fade)[1].mean()),
    }


def _moments(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre [..., 2] and spread [...] of the light in frames [..., H, W, C]."""
    light = np.asarray(frames, np.float64).mean(axis=-1)
    light = light / np.maximum(light.sum(axis=(-2, -1), keepdims=True), 1e-12)
    positions = np.stack(np.indices(light.shape[-2:]), axis=-1)
    centres = np.einsum("...hw,hwd->...d", light, positions)
    offsets = positions - centres[..., None, None, :]
    variances = (light * np.square(offsets).sum(axis=-1)).sum(axis=(-2, -1))
    return centres, np.sqrt(variances)


def _root_mean_square(vectors: np.ndarray) -> float:
    """Of the lengths of vectors [..., 2]."""
    return float(np.sqrt(np.square(vectors).sum(axis=-1).mean()))
