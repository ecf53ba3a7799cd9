"""The frames that futures are predicted from: of a user's video, or of a test video."""

import os

import numpy as np

from srvp_tf.config import Config, ModelConfig, corpora
from srvp_tf.errors import UserError


def input_frames(
    config: Config,
    horizon: int,
    path: str | os.PathLike | None = None,
    first: int = 0,
    video_id: int = 0,
) -> np.ndarray:
    """Frames of a video, as a run's model takes them; what was done to them is printed.

    Args:
        horizon: frames wanted after those that the model is given.
        path: a video; None: test video `video_id` of the run's corpus.
        first: the frame to begin at, from 0.

    Returns:
        uint8 [nt_cond .. nt_cond + horizon, H, W, C], as many as there are.

    Raises:
        UserError: the file, or the corpus, cannot be read or has too few frames, or videos.
    """
    nt_cond = config.data.nt_cond
    if path is None:
        source, frames = f"test video {video_id}", _test_video(config, video_id)
    else:
        source, frames = path, corpora.iterate_frames(path, first + nt_cond + horizon)
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
    for remark in corpora.remarks(path) if path else ():
        print(f"{path}: {remark}")
    return np.stack(kept)


def _test_video(config: Config, index: int) -> np.ndarray:
    """The frames of a test video, just as evaluation sees it: uint8 [test_length, H, W, C]."""
    corpus = corpora.open_corpus(config)
    if index >= corpus.num_test_videos:
        raise UserError(
            f"--video={index}: there are {corpus.num_test_videos} test videos, counted from 0"
        )
    # The length is part of the identity of a generated video.
    videos = corpus.test_videos(length=config.data.test_length, num_videos=index + 1)
    return next(videos.skip(index).as_numpy_iterator())


def _tell_fitting(
    shape: tuple[int, ...], model_config: ModelConfig, source: str | os.PathLike
) -> None:
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
