"""What is fixed when a model is exported."""

import dataclasses
from collections.abc import Collection

from absl import flags

from srvp_tf.config import Config
from srvp_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """Lengths and numbers that an exported model is made for; raises `UserError` for others.

    conditioning_frames: T, observed frames.
    max_conditioning_frames: T of the signature that takes fewer frames too.
    horizon: predicted frame intervals.
    num_samples: futures of `predict_samples`.
    euler_steps: sub-steps per predicted interval.
    frames_per_step: frames per predicted interval; divides `euler_steps`.
    """

    conditioning_frames: int
    max_conditioning_frames: int
    horizon: int
    num_samples: int
    euler_steps: int
    frames_per_step: int

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            if value < 1:
                raise UserError(f"--{name}={value} must be at least 1")
        if self.max_conditioning_frames < self.conditioning_frames:
            raise UserError(
                f"--max_conditioning_frames={self.max_conditioning_frames} is less than the "
                f"{self.conditioning_frames} conditioning frames: raise it"
            )

    @property
    def predicted_frames(self) -> int:
        """K: frames of one predicted future."""
        return self.horizon * self.frames_per_step


_HELP = {
    "conditioning_frames": "frames that a prediction is conditioned on; by default the run's",
    "max_conditioning_frames": "most frames that predict_multi_step_variable takes; by default "
    "--conditioning_frames",
    "horizon": "frame intervals to predict; by default those of the run's test clips",
    "num_samples": "futures per video of predict_samples",
    "euler_steps": "Euler steps per predicted frame interval; by default the run's",
    "frames_per_step": "frames per predicted interval; divides --euler_steps",
}
_DEFAULTS = {"num_samples": 5, "frames_per_step": 1}


def define_settings_flags(
    flag_values: flags.FlagValues, names: Collection[str] = tuple(_HELP)
) -> None:
    """One flag for each of the named settings."""
    for name in names:
        flags.DEFINE_integer(name, _DEFAULTS.get(name), _HELP[name], flag_values=flag_values)


def export_settings(flag_values: flags.FlagValues, config: Config) -> ExportSettings:
    """The `ExportSettings` that the flags and the run's `Config` give; raises `UserError`."""
    given = {
        name: flag_values[name].value
        for name in _HELP
        if name in flag_values and flag_values[name].value is not None
    }
    data, model = config.data, config.model
    values = {
        "conditioning_frames": data.nt_cond,
        "horizon": data.test_length - data.nt_cond,
        "num_samples": 1,
        "euler_steps": model.euler_steps,
        "frames_per_step": 1,
    } | given
    values.setdefault("max_conditioning_frames", values["conditioning_frames"])
    settings = ExportSettings(**values)
    model.check_euler_steps(settings.euler_steps, settings.frames_per_step)
    if settings.conditioning_frames < model.nt_inf:
        raise UserError(
            f"--conditioning_frames={settings.conditioning_frames}: this model needs "
            f"{model.nt_inf} or more (nt_inf)"
        )
    return settings
