"""Predict what follows in a video: `python -m srvp_tf.generate --run_dir=runs/kth --input=a.mp4`.

The first frames of the input are given to the model, which draws several futures; the output shows
them beside the truth. Without --input they are those of a test video of the run's corpus.

A model with actions takes those of --actions (a line of column names, a row per predicted interval
or per interval of all frames), else the corpus' or those in VIDEO.actions.csv beside the input.
"""

from pathlib import Path

from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.checks import check_video_file
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config.corpora import define_path
from srvp_tf.config.flags import (
    WHERE_THE_DATA_IS,
    config_from_flags,
    define_checkpoint_flag,
    define_config_flags,
)
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError


def define_flags(flag_values):
    """The flags of this command; those also known to the configuration have other defaults here."""

    def number(name, default, help, least=1):
        flags.DEFINE_integer(name, default, help, least, flag_values=flag_values)

    define_run_flag(flag_values)
    define_path("input", "none", "video, GIF, .npz or folder; none: a test video", flag_values)
    define_path("output", "prediction.gif", ".gif, .mp4, .webm, .png or .npz", flag_values)
    number("horizon", None, "frame intervals to predict; by default those of the run's test clips")
    number("num_samples", 5, "futures to draw")
    number("euler_steps", None, "Euler steps per predicted frame interval; by default the run's")
    number("frames_per_step", 1, "frames per predicted interval; divides --euler_steps")
    number("seed", 0, "seed of the futures", least=0)
    number("first_frame", 0, "frame of the input to begin at, from 0", least=0)
    number("video", None, "without --input: which test video, from 0", least=0)
    define_path("actions", None, "plan of a model with actions, .csv or .npy", flag_values)
    define_checkpoint_flag(flag_values)
    define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Predict and write; returns the exit status."""
    run = run_from_flags(flag_values)
    path = None if flag_values.input in ("none", "") else flag_values.input
    if path and flag_values.video is not None:
        raise UserError(f"--video={flag_values.video} chooses a test video, leave --input out")
    check_video_file(Path(flag_values.output))
    config = config_from_flags(flag_values, run.config(), only=WHERE_THE_DATA_IS)  # no other
    euler_steps = flag_values.euler_steps or config.model.euler_steps
    config.model.check_euler_steps(euler_steps, flag_values.frames_per_step)
    checkpoint = run.checkpoint_path(flag_values.checkpoint)  # if there is none, then now

    start_tensorflow(config.train.deterministic)
    from srvp_tf.forecasting.generation import generate_video

    print(generate_video(config, checkpoint, flag_values, path))
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
