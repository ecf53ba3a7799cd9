"""The figures of the paper's tables, to hold an evaluation against."""

from typing import NamedTuple

from srvp_tf.config import Config


class PublishedScores(NamedTuple):
    """One model's row: PSNR in dB, SSIM, LPIPS and FVD; None where the paper has none."""

    model: str
    psnr: float | None = None
    ssim: float | None = None
    lpips: float | None = None
    fvd: float | None = None


RESULTS = {
    "SM-MNIST": (
        PublishedScores("SRVP", 16.93, 0.7799),
        PublishedScores("SRVP-GRU", 15.80, 0.7464),
        PublishedScores("SRVP-MLP", 16.55, 0.7694),
        PublishedScores("SVG", 14.50, 0.7090),
    ),
    "deterministic MM": (
        PublishedScores("SRVP", 18.25, 0.8300),
        PublishedScores("SRVP-GRU", 13.17, 0.6237),
        PublishedScores("SRVP-MLP", 16.70, 0.7876),
        PublishedScores("SRVP without z", 14.99, 0.4757),
        PublishedScores("SVG", 12.85, 0.6185),
    ),
    "KTH": (
        PublishedScores("SRVP", 29.69, 0.8697, 0.0736, 222),
        PublishedScores("SVG", 28.06, 0.8438, 0.0923, 377),
        PublishedScores("SAVP", 26.51, 0.7564, 0.1120, 374),
        PublishedScores("SV2P", 28.19, 0.8141, 0.2049, 636),
    ),
    "Human3.6M": (
        PublishedScores("SRVP", 25.30, None, 0.0509, 416),
        PublishedScores("StructVRNN", 24.46, None, 0.0557, 556),
    ),
    "BAIR": (
        PublishedScores("SRVP", 19.59, 0.8196, 0.0574, 163),
        PublishedScores("SVG", 18.95, 0.8058, 0.0609, 255),
        PublishedScores("SAVP", 18.44, 0.7887, 0.0634, 152),
        PublishedScores("SV2P", 20.39, 0.8169, 0.0912, 965),
    ),
}

# Dataset and, for Moving MNIST, motion -> name, conditioning frames, frames of a test video.
_SETTINGS = {
    ("moving_mnist", "stochastic"): ("SM-MNIST", 5, 25),
    ("moving_mnist", "deterministic"): ("deterministic MM", 5, 100),
    ("kth", None): ("KTH", 10, 40),
    ("human36m", None): ("Human3.6M", 8, 53),
    ("bair", None): ("BAIR", 2, 30),
}


def published_setting(config: Config) -> str | None:
    """The column of the paper's tables that judges as `config` does; None if there is none."""
    data = config.data
    is_mnist = data.dataset == "moving_mnist"
    name, *lengths = _SETTINGS.get(
        (data.dataset, data.motion if is_mnist else None), (None, None, None)
    )
    if lengths != [data.nt_cond, data.test_length] or config.model.frame_size != 64:
        return None
    if is_mnist and (data.num_digits, data.max_speed) != (2, 4):
        return None
    return name
