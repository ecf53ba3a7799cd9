"""The metrics that an evaluation can use, by name: one entry is all that a metric needs.

METRICS.register("error")(Metric("L1", lambda cache_dir: absolute_error, higher_is_better=False))
"""

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from srvp_tf.config.registries import Registry


class Metric(NamedTuple):
    """What is known of a metric.

    heading: in tables.
    load: given the folder of cached weights or None, a function of (target, prediction), frames
        [..., H, W, C] in [0, 1] with leading axes that broadcast, to one number per frame [...].
        None for FVD, which compares sets of videos.
    higher_is_better: which of two scores is the better one.
    decimals: digits after the point, in tables.
    needs_weights: whether `metrics.weight_cache` keeps weights of it.
    best_of_samples: whether a video's score is that of its best sample; else the mean over samples.
    only_for: the one corpus that it can judge; "" for all.
    """

    heading: str
    load: Callable[[str | os.PathLike | None], Callable[[Any, Any], Any]] | None
    higher_is_better: bool = True
    decimals: int = 4
    needs_weights: bool = False
    best_of_samples: bool = True
    only_for: str = ""


def _psnr(cache_dir):
    from srvp_tf.metrics.frame_metrics import psnr

    return psnr


def _ssim(cache_dir):
    from srvp_tf.metrics.frame_metrics import ssim

    return ssim


def _lpips(cache_dir):
    from srvp_tf.metrics.lpips import load_lpips

    return load_lpips(cache_dir).score


def _identity(cache_dir):
    from srvp_tf.metrics.digit_reader import identity, load_digit_reader

    return functools.partial(identity, load_digit_reader())


METRICS = Registry(
    "metric",
    {
        "psnr": Metric("PSNR", _psnr, decimals=2),
        "ssim": Metric("SSIM", _ssim),
        "lpips": Metric("LPIPS", _lpips, higher_is_better=False, needs_weights=True),
        "identity": Metric("identity", _identity, best_of_samples=False, only_for="moving_mnist"),
        "fvd": Metric("FVD", None, higher_is_better=False, decimals=0, needs_weights=True),
    },
)
"""`--metrics`: name -> `Metric`, in the order of tables."""


def per_frame(names: Any) -> tuple[str, ...]:
    """Those of some metrics that score single frames, in the order of the registry."""
    return tuple(name for name in METRICS if name in names and METRICS[name].load)


def formatted(name: str, value: float) -> str:
    """A score as tables show it."""
    return f"{value:.{METRICS[name].decimals}f}"
