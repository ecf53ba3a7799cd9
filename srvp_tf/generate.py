"""Predict what follows in a video: `python -m srvp_tf.generate --run_dir=runs/kth --input=a.mp4`.

The first frames of the input are given to the model, which draws several futures; the output shows
them beside the truth. Without --input they are those of a test video of the run's corpus.
"""

import os
from pathlib import Path

import numpy as np
from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config import corpora
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
    _check_numbers(flag_values)
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
    from srvp_tf.runs.run_folder import read_model

    check_fps(output, flag_values.frames_per_step)
    frames, video_id = _input_frames(flag_values, config, horizon)
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


def _check_numbers(flag_values):
    for name, least in _AT_LEAST.items():
        value = flag_values[name].value
        if value is not None and value < least:
            raise UserError(f"--{name}={value} must be at least {least}")
    if flag_values.input not in _NO_INPUT and flag_values.video is not None:
        raise UserError(
            f"--video={flag_values.video} chooses a test video, but --input={flag_values.input} is "
            "given: leave one of them out"
        )


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
    if output.is_dir():
        raise UserError(f"--output={output} is a folder: name a file in it")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--output={output} cannot be written: {parent} takes no files")


def _input_frames(flag_values, config, horizon):
    """(uint8 [nt_cond .. nt_cond + horizon, H, W, C], number that addresses the noise)."""
    first, nt_cond = flag_values.first_frame, config.data.nt_cond
    if flag_values.input in _NO_INPUT:
        video_id = flag_values.video or 0
        source, frames = f"test video {video_id}", _test_video(config, video_id)
    else:
        video_id, source = 0, flag_values.input
        frames = corpora.iterate_frames(source, first + nt_cond + horizon)
    kept, found, shape, model = [], 0, None, config.model
    for found, frame in enumerate(frames, start=1):
        if found > first:
            # At once: many large frames would not fit into memory.
            kept.append(corpora.fit_frames(frame[np.newaxis], model.frame_size, model.channels)[0])
            shape = frame.shape
        if found == first + nt_cond + horizon:
            break
    if len(kept) < nt_cond:
        start = f" from --first_frame={first} on" if first else ""
        raise UserError(
            f"{source} has {max(found - first, 0)} frame{'s' * (found - first != 1)}{start}; the "
            f"model needs {nt_cond} or more"
        )
    _tell_fitting(shape, config.model, source)
    if flag_values.input not in _NO_INPUT:
        for remark in corpora.remarks(source):
            print(f"{source}: {remark}")
    return np.stack(kept), video_id


def _test_video(config, index):
    """The frames of a test video, just as evaluation sees it: uint8 [test_length, H, W, C]."""
    corpus = corpora.open_corpus(config)
    if index >= corpus.num_test_videos:
        raise UserError(
            f"--video={index}: there are {corpus.num_test_videos} test videos, counted from 0"
        )
    # The length is part of the identity of a generated video.
    videos = corpus.test_videos(length=config.data.test_length, num_videos=index + 1)
    return next(videos.skip(index).as_numpy_iterator())


def _tell_fitting(shape, model_config, source):
    """Say in one line what was done to frames [H, W, C] so that the model takes them."""
    size, channels = model_config.frame_size, model_config.channels
    height, width, found_channels = shape
    done = []
    if height != width:
        done.append("cropped to the central square")
    if min(height, width) != size:
        done.append(f"resized to {size} x {size}")
    if channels != found_channels:
        done.append("turned to grey" if channels == 1 else "repeated in three channels")
    if done:
        kind = "grey" if found_channels == 1 else "colour"
        print(f"{source}: {width} x {height} {kind} frames, {', '.join(done)}")


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
