"""Which experiments are run: what the command's flags say, and whether they make sense."""

from absl import flags

from srvp_tf.config import Config
from srvp_tf.errors import UserError

EXPERIMENTS = ("frame_rates", "content_swap", "interpolation", "long_horizon")


def chosen_experiments(flag_values: flags.FlagValues, config: Config) -> list[str]:
    """The experiments to run, in order; `UserError` if they, or the flags about --input, cannot be.

    Those that a run cannot have are left out, unless they are asked for by name.
    """
    names = [name.strip() for name in flag_values.experiments]
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown or not names:
        raise UserError(f"--experiments={','.join(names)}: name some of {','.join(EXPERIMENTS)}")
    possible = config.model.experiments
    if not possible:
        raise UserError("a model with actions has no experiments: use generate and evaluate")
    if missing := [name for name in names if name not in possible]:
        line = f"{config.model.kind} has no {', '.join(missing)}"
        if flag_values["experiments"].present:
            raise UserError(f"{line}: give --experiments={','.join(possible)}")
        print(line)
    names = [name for name in EXPERIMENTS if name in names and name in possible]
    if flag_values.input_rate > 2:
        raise UserError(
            f"--input_rate={flag_values.input_rate}: give 2 for inputs at twice the model's rate, "
            "else 1"
        )
    pairs = [name for name in names if name in ("content_swap", "interpolation")]
    if len(flag_values.input) == 1 and pairs:
        raise UserError(
            f"--input={flag_values.input[0]}: {pairs[0]} needs two videos or more; name another, "
            "or other --experiments"
        )
    return names
