"""Which metrics judge a run, and what they need: flags, weights, networks."""

from typing import NamedTuple

from absl import flags

from srvp_tf.errors import UserError
from srvp_tf.metrics import weight_cache

METRICS = ("psnr", "ssim", "lpips", "fvd")
FVD_FRAMES = ("all", "predicted")
NUM_DRAWS = 5  # of FVD


class Judging(NamedTuple):
    """The metrics of an evaluation.

    metrics: some of `METRICS`.
    fvd_on: frames that FVD sees, of `FVD_FRAMES`.
    cache_dir: folder of the weights of LPIPS and FVD, see `weight_cache.cache_folder`.
    """

    metrics: tuple = METRICS[:2]
    fvd_on: str = FVD_FRAMES[0]
    cache_dir: str | None = None

    @property
    def num_draws(self):
        """How many draws FVD takes: none without it."""
        return NUM_DRAWS if "fvd" in self.metrics else 0

    def weights_sha256(self):
        """Metric -> sum of its weights; `UserError` if some are missing: it says how to get them.

        Does without TensorFlow.
        """
        needed = (name for name in self.metrics if name in weight_cache.METRICS)
        return {name: weight_cache.read(name, self.cache_dir)[1] for name in needed}

    def frame_metrics(self):
        """Name -> function of (target, prediction), see `Evaluator`; call it in its strategy."""
        from srvp_tf.evaluation.evaluator import FRAME_METRICS

        functions = {name: FRAME_METRICS[name] for name in self.metrics if name in FRAME_METRICS}
        if "lpips" in self.metrics:
            from srvp_tf.metrics.lpips import load_lpips

            functions["lpips"] = load_lpips(self.cache_dir).score
        return functions

    def fvd(self, data, num_videos):
        """The `DrawnFVD` of a `DataConfig`'s test videos, or None.

        Raises:
            UserError: the videos are too few or too short.
        """
        if "fvd" not in self.metrics:
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


DEFAULT = Judging()


def define_flags(flag_values):
    """The flags that a `Judging` is made from."""
    flags.DEFINE_list(
        "metrics",
        list(DEFAULT.metrics),
        f"what judges, of {','.join(METRICS)}; the last two need weights, which "
        "python -m srvp_tf.fetch brings",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "fvd_on",
        DEFAULT.fvd_on,
        FVD_FRAMES,
        "frames that FVD sees: the conditioning frames and what follows, or the latter alone",
        flag_values=flag_values,
    )
    weight_cache.define_flag(flag_values)


def judging_from_flags(flag_values):
    """A `Judging`; `UserError` if a metric is unknown."""
    names = [name.strip().lower() for name in flag_values.metrics]
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise UserError(f"--metrics={','.join(names)}: name some of {','.join(METRICS)}")
    chosen = tuple(name for name in METRICS if name in names)
    return Judging(chosen, flag_values.fvd_on, flag_values.cache_dir)
