"""The paper's experiments on a run: `python -m srvp_tf.experiment --run_dir=runs/smmnist`.

frame_rates: forecasts with smaller time steps than in training, and frames in between.
content_swap: one video's content in another's motion. interpolation: from one video's dynamics to
another's. long_horizon: forecasts of thousands of frames. Each prints a table, and writes
results.json and some videos into a folder of its own. Without --input the videos are test videos of
the run's corpus.
"""

from pathlib import Path

from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.checks import check_at_least
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config.corpora import define_path, define_paths
from srvp_tf.config.flags import (
    WHERE_THE_DATA_IS,
    config_from_flags,
    define_checkpoint_flag,
    define_config_flags,
)
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

EXPERIMENTS = ("frame_rates", "content_swap", "interpolation", "long_horizon")
_FORMATS = ("gif", "mp4", "webm", "png", "npz")
_AT_LEAST = {
    "num_videos": 2,
    "num_samples": 1,
    "num_points": 2,
    "seed": 0,
    "horizon": 1,
    "long_horizon": 1,
    "input_rate": 1,
}


def define_flags(flag_values):
    """The flags of this command; those also known to the configuration have other defaults here."""

    def number(name, default, help):
        flags.DEFINE_integer(name, default, help, flag_values=flag_values)

    define_run_flag(flag_values)
    flags.DEFINE_list(
        "experiments", list(EXPERIMENTS), "which of them, by name", flag_values=flag_values
    )
    define_paths(
        "input",
        [],
        "videos, GIFs, .npz, or folders of images, separated by commas; none: test videos",
        flag_values,
    )
    number("input_rate", 1, "frames of --input per frame interval of the model: 1 or 2")
    define_path(
        "output_dir",
        None,
        "where the results go; by default RUN_DIR/experiments",
        flag_values,
    )
    flags.DEFINE_enum(
        "format", "gif", _FORMATS, "of the videos that are drawn", flag_values=flag_values
    )
    number("num_videos", 32, "test videos; pairs are made of each and the next")
    number("num_samples", 10, "frame_rates: futures per video, of which the best is judged")
    number("num_points", 7, "interpolation: videos from the one to the other, both included")
    flags.DEFINE_bool(
        "interpolate_z",
        False,
        "interpolation: z of the given frames, too, and not the first state alone",
        flag_values=flag_values,
    )
    number("horizon", None, "frames to predict; by default those of the run's test clips")
    number("long_horizon", 2000, "long_horizon: frames to predict")
    number("seed", 0, "seed of the futures")
    define_checkpoint_flag(flag_values)
    define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Run the experiments, one after the other; returns the exit status."""
    run = run_from_flags(flag_values)
    # This command's seed and num_videos are not the run's.
    config = config_from_flags(flag_values, run.config(), only=WHERE_THE_DATA_IS)
    names = _chosen(flag_values, config)
    _check(flag_values, names)
    output = Path(flag_values.output_dir or run.results / "experiments")
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file: choose another --output_dir")
    run.checkpoint_path(flag_values.checkpoint)  # if there is none, then now

    start_tensorflow(config.train.deterministic)
    from srvp_tf.experiments.run import ExperimentRun

    experiments = ExperimentRun(run, config, _settings(flag_values))
    for name in names:
        outcome = getattr(experiments, name)()
        experiments.write(outcome, output / name, flag_values.format)
        print("\n".join(outcome.lines))
        print(f"results: {output / name}\n", flush=True)
    return 0


def _settings(flag_values):
    from srvp_tf.experiments.run import Settings

    values = {name: flag_values[name].value for name in Settings._fields}
    return Settings(**values)


def _chosen(flag_values, config):
    """The experiments to run, in order; those that a run cannot have only if asked for by name."""
    names = [name.strip() for name in flag_values.experiments]
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown or not names:
        raise UserError(f"--experiments={','.join(names)}: name some of {','.join(EXPERIMENTS)}")
    if "frame_rates" in names and not config.model.takes_euler_steps:
        if flag_values["experiments"].present:
            config.model.check_euler_steps(2)
        print(f"no frame_rates: --dynamics={config.model.dynamics} takes one step per frame")
        names.remove("frame_rates")
    return [name for name in EXPERIMENTS if name in names]


def _check(flag_values, names):
    """Find out before the work whether the flags make sense together."""
    check_at_least(flag_values, _AT_LEAST)
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


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
