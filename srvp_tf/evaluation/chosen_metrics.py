"""Which metrics an evaluation uses, and what they need: flags, weights, networks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from absl import flags

from srvp_tf.errors import UserError
from srvp_tf.metrics import weight_cache
from srvp_tf.metrics.registry import METRICS, per_frame

if TYPE_CHECKING:
    from srvp_tf.config import DataConfig
    from srvp_tf.metrics.fvd import DrawnFVD

FVD_FRAMES = ("all", "predicted")
NUM_DRAWS = 5  # of FVD


class ChosenMetrics(NamedTuple):
    """The metrics of an evaluation.

    names: some of `METRICS`.
    fvd_on: frames that FVD sees, of `FVD_FRAMES`.
    cache_dir: folder of the weights of LPIPS and FVD, see `weight_cache.cache_folder`.
    """

    names: tuple[str, ...] = ("psnr", "ssim")
    fvd_on: str = FVD_FRAMES[0]
    cache_dir: str | None = None

    @property
    def num_draws(self) -> int:
        """How many draws FVD takes: none without it."""
        return NUM_DRAWS if "fvd" in self.names else 0

    def weights_sha256(self) -> dict[str, str]:
        """Metric -> sum of its weights; `UserError` if some are missing: it says how to get them.

        Does without TensorFlow.
        """
        needed = (name for name in self.names if METRICS[name].needs_weights)
        return {name: weight_cache.read_weights(name, self.cache_dir)[1] for name in needed}

    def check_corpus(self, data: "DataConfig") -> None:
        """Raise `UserError` if one of the metrics cannot judge the corpus of a `DataConfig`."""
        for name in self.names:
            if METRICS[name].only_for not in ("", data.dataset):
                raise UserError(
                    f"--metrics={name} is for {METRICS[name].only_for} alone, this is "
                    f"{data.dataset}: leave it out"
                )

    def frame_metrics(self) -> dict[str, Callable]:
        """Name -> function of (target, prediction), see `Evaluator`; call it in its strategy."""
        return {name: METRICS[name].load(self.cache_dir) for name in per_frame(self.names)}

    def fvd(self, data: "DataConfig", num_videos: int) -> "DrawnFVD | None":
        """The `DrawnFVD` of a `DataConfig`'s test videos, or None.

        Raises:
            UserError: the videos are too few or too short.
        """
        if "fvd" not in self.names:
            return None
        from srvp_tf.metrics.fvd import DrawnFVD
        from srvp_tf.metrics.i3d import MINIMUM_FRAMES, load_i3d

        num_frames = data.test_length - (data.nt_cond if self.fvd_on == "predicted" else 0)
        if num_frames < MINIMUM_FRAMES:
            raise UserError(
                f"--test_length={data.test_length} with --fvd_on={self.fvd_on} gives FVD "
                f"{num_frames} frames of a video, it needs {MINIMUM_FRAMES}: raise --test_length"
            )
        if num_videos < 2:
            raise UserError(
                "FVD compares sets of videos, this is one: give --num_videos of 2 or more"
            )
        return DrawnFVD(load_i3d(self.cache_dir), data.nt_cond, self.fvd_on)


DEFAULT_METRICS = ChosenMetrics()


def define_metric_flags(flag_values: flags.FlagValues) -> None:
    """The flags that `ChosenMetrics` are made from."""
    flags.DEFINE_list(
        "metrics",
        list(DEFAULT_METRICS.names),
        f"some of {','.join(METRICS)}; lpips and fvd need weights, which python -m srvp_tf.fetch "
        "brings",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "fvd_on",
        DEFAULT_METRICS.fvd_on,
        FVD_FRAMES,
        "frames that FVD sees: the conditioning frames and what follows, or the latter alone",
        flag_values=flag_values,
    )
    weight_cache.define_flag(flag_values)


def metrics_from_flags(flag_values: flags.FlagValues) -> ChosenMetrics:
    """The metrics of --metrics; `UserError` if one is unknown."""
    names = [name.strip().lower() for name in flag_values.metrics]
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise UserError(f"--metrics={','.join(names)}: name some of {','.join(METRICS)}")
    chosen = tuple(name for name in METRICS if name in names)
    return ChosenMetrics(chosen, flag_values.fvd_on, flag_values.cache_dir)
