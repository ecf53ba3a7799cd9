"""Predict what follows in a video: `python -m srvp_tf.generate --run_dir=runs/kth --input=a.mp4`.

The first frames of the input are given to the model, which draws several futures; the output shows
them beside the truth. Without --input they are those of a test video of the run's corpus.
"""

from pathlib import Path

import numpy as np
from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.checks import check_at_least, check_output_file
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

_NO_INPUT = ("none", "")
_AT_LEAST = {
    "horizon": 1,
    "num_samples": 1,
    "euler_steps": 1,
    "frames_per_step": 1,
    "seed": 0,
    "first_frame": 0,
    "video": 0,
}


def define_flags(flag_values):
    """The flags of this command; those also known to the configuration have other defaults here."""

    def number(name, default, help):
        flags.DEFINE_integer(name, default, help, flag_values=flag_values)

    define_run_flag(flag_values)
    define_path(
        "input",
        "none",
        "video, GIF, .npz, or folder of images; none: a test video",
        flag_values,
    )
    define_path(
        "output",
        "prediction.gif",
        "file to write: .gif, .mp4, .webm, .png or .npz",
        flag_values,
    )
    number("horizon", None, "frame intervals to predict; by default those of the run's test clips")
    number("num_samples", 5, "futures to draw")
    number("euler_steps", None, "Euler steps per predicted frame interval; by default the run's")
    number("frames_per_step", 1, "frames per predicted interval; divides --euler_steps")
    number("seed", 0, "seed of the futures")
    number("first_frame", 0, "frame of the input to begin at, from 0")
    number("video", None, "without --input: which test video, from 0")
    define_checkpoint_flag(flag_values)
    define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Predict and write; returns the exit status."""
    run = run_from_flags(flag_values)
    output = Path(flag_values.output)
    check_at_least(flag_values, _AT_LEAST)
    if flag_values.input not in _NO_INPUT and flag_values.video is not None:
        raise UserError(
            f"--video={flag_values.video} chooses a test video, but --input={flag_values.input} is "
            "given: leave one of them out"
        )
    _check_output(output)
    # This command's num_samples, seed and euler_steps are not the run's.
    config = config_from_flags(flag_values, run.config(), only=WHERE_THE_DATA_IS)
    euler_steps = flag_values.euler_steps or config.model.euler_steps
    config.model.check_euler_steps(euler_steps)
    _check_euler_steps(euler_steps, flag_values.frames_per_step)
    horizon = flag_values.horizon or config.data.test_length - config.data.nt_cond
    checkpoint = run.checkpoint_path(flag_values.checkpoint)  # if there is none, then now

    start_tensorflow(config.train.deterministic)
    from srvp_tf.forecasting.generation import Futures, check_fps, predict, write
    from srvp_tf.forecasting.input_frames import input_frames
    from srvp_tf.runs.run_folder import read_model

    check_fps(output, flag_values.frames_per_step)
    path = None if flag_values.input in _NO_INPUT else flag_values.input
    video_id = flag_values.video or 0  # of a user's video: 0
    frames = input_frames(config, horizon, path, flag_values.first_frame, video_id)
    observed, truth = np.split(frames, [config.data.nt_cond])
    model, _ = read_model(config.model, checkpoint)
    predicted = predict(
        model,
        observed,
        horizon,
        num_samples=flag_values.num_samples,
        seed=flag_values.seed,
        euler_steps=euler_steps,
        frames_per_step=flag_values.frames_per_step,
        video_id=video_id,
    )
    futures = Futures(observed, truth, predicted, flag_values.frames_per_step)
    write(output, futures)
    samples, steps = predicted.shape[:2]
    print(
        f"wrote {output}: {samples} sample{'s' * (samples > 1)} of {steps} "
        f"frame{'s' * (steps > 1)}, predicted from {len(observed)}"
    )
    return 0


def _check_euler_steps(euler_steps, frames_per_step):
    if euler_steps % frames_per_step:
        raise UserError(
            f"--frames_per_step={frames_per_step} does not divide the {euler_steps} Euler steps "
            "per interval: choose another one, or set --euler_steps"
        )


def _check_output(output):
    """Find out before the work whether its result can be written."""
    from srvp_tf.video.files import SUFFIXES

    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"--output={output}: unknown format; use one of {', '.join(SUFFIXES)}")
    check_output_file(output)


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
