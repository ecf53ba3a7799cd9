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
from srvp_tf.cli.checks import check_output_folder
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config import flags as config_flags
from srvp_tf.config.corpora import define_path, define_paths
from srvp_tf.config.flags import WHERE_THE_DATA_IS, config_from_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.experiments.settings import EXPERIMENTS, chosen_experiments

_FORMATS = ("gif", "mp4", "webm", "png", "npz")


def define_flags(flag_values):
    """The flags of this command; those also known to the configuration have other defaults here."""

    def number(name, default, help, least=1):
        flags.DEFINE_integer(name, default, help, least, flag_values=flag_values)

    define_run_flag(flag_values)
    text = "which of them, by name"
    flags.DEFINE_list("experiments", list(EXPERIMENTS), text, flag_values=flag_values)
    text = "videos, GIFs, .npz, or folders of images, separated by commas; none: test videos"
    define_paths("input", [], text, flag_values)
    number("input_rate", 1, "frames of --input per frame interval of the model: 1 or 2")
    text = "where the results go; by default RUN_DIR/experiments"
    define_path("output_dir", None, text, flag_values)
    text = "of the videos that are drawn"
    flags.DEFINE_enum("format", "gif", _FORMATS, text, flag_values=flag_values)
    number("num_videos", 32, "test videos; pairs are made of each and the next", least=2)
    number("num_samples", 10, "frame_rates: futures per video, of which the best is judged")
    number("num_points", 7, "interpolation: videos from one to the other, both included", least=2)
    text = "interpolation: z of the given frames, too, and not the first state alone"
    flags.DEFINE_bool("interpolate_z", False, text, flag_values=flag_values)
    number("horizon", None, "frames to predict; by default those of the run's test clips")
    number("long_horizon", 2000, "long_horizon: frames to predict")
    number("seed", 0, "seed of the futures", least=0)
    config_flags.define_checkpoint_flag(flag_values)
    config_flags.define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Run the experiments, one after the other; returns the exit status."""
    run = run_from_flags(flag_values)
    # This command's seed and num_videos are not the run's.
    config = config_from_flags(flag_values, run.config(), only=WHERE_THE_DATA_IS)
    names = chosen_experiments(flag_values, config)
    output = Path(flag_values.output_dir or run.results / "experiments")
    check_output_folder(output)
    run.checkpoint_path(flag_values.checkpoint)  # if there is none, then now

    start_tensorflow(config.train.deterministic)
    from srvp_tf.experiments.run import ExperimentRun

    experiments = ExperimentRun(run, config, flag_values)
    for name in names:
        outcome = getattr(experiments, name)()
        experiments.write(outcome, output / name, flag_values.format)
        print("\n".join(outcome.lines))
        print(f"results: {output / name}\n", flush=True)
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
