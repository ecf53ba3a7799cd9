"""The figures of the papers' tables, to hold an evaluation against."""

from typing import NamedTuple

from srvp_tf.config import Config


class PublishedScores(NamedTuple):
    """One model's row: PSNR in dB, SSIM, LPIPS and FVD; None where its source has none.

    source: where the figures stand.
    differs: how they were measured otherwise than in the SRVP paper's tables; "" for alike: the
        best of 100 samples for each metric, of 64 x 64 frames, as many given and predicted as
        `published_setting` says.
    """

    model: str
    psnr: float | None = None
    ssim: float | None = None
    lpips: float | None = None
    fvd: float | None = None
    source: str = "Franceschi et al., 2020 (arXiv 2002.09219)"
    differs: str = ""


_SLAMP = {"source": "Akan et al., 2021 (arXiv 2108.02760)"}
_SCHEDULED = _SLAMP | {"differs": "trained with scheduled sampling"}

RESULTS = {
    "SM-MNIST": (
        PublishedScores("SRVP", 16.93, 0.7799),
        PublishedScores("SRVP-GRU", 15.80, 0.7464),
        PublishedScores("SRVP-MLP", 16.55, 0.7694),
        PublishedScores("SVG", 14.50, 0.7090),
        PublishedScores("SLAMP-Baseline", 16.83, 0.7537, **_SLAMP),
        PublishedScores("SLAMP", 18.07, 0.7736, **_SLAMP),
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
        PublishedScores("SLAMP-Baseline", 29.20, 0.8633, 0.0951, 236, **_SCHEDULED),
        PublishedScores("SLAMP", 29.39, 0.8646, 0.0795, 228, **_SCHEDULED),
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
        PublishedScores("SLAMP", 19.67, 0.8161, 0.0639, **_SLAMP),
        PublishedScores(
            "Hier-VRNN",
            ssim=0.822,
            lpips=0.055,
            fvd=143.4,
            source="Castrejon et al., 2019 (arXiv 1904.12165)",
            differs="its authors' own evaluation, not that of these tables",
        ),
        PublishedScores(
            "MCVD",
            fvd=118.4,
            source="Voleti et al., 2022 (arXiv 2205.09853)",
            differs="averages over the samples of 256 clips",
        ),
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
    if config.model.action_size:  # the paper's models are not told what is done
        return None
    is_mnist = data.dataset == "moving_mnist"
    name, *lengths = _SETTINGS.get(
        (data.dataset, data.motion if is_mnist else None), (None, None, None)
    )
    if lengths != [data.nt_cond, data.test_length] or config.model.frame_size != 64:
        return None
    if is_mnist and (data.num_digits, data.max_speed) != (2, 4):
        return None
    return name
