"""--run_dir, as all commands take it that follow training."""

from absl import flags

from srvp_tf.config.corpora import define_path
from srvp_tf.config.shipped import shipped_models
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder


def define_run_flag(flag_values: flags.FlagValues) -> None:
    """Defines --run_dir: the path of a run folder, or the name of a shipped model."""
    shipped = ", ".join(shipped_models())
    define_path("run_dir", None, f"folder of the run, or a shipped model: {shipped}", flag_values)


def run_from_flags(flag_values: flags.FlagValues) -> RunFolder:
    """The `RunFolder` that --run_dir names.

    Raises:
      UserError: the flag is missing.
    """
    if not flag_values.run_dir:
        shipped = ", ".join(shipped_models())
        raise UserError(
            "--run_dir is missing: name the folder of a training run, or a shipped model "
            f"({shipped})"
        )
    return RunFolder.find(flag_values.run_dir)
