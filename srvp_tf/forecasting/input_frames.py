"""What futures are predicted from: frames of a user's video or of a test video, and actions."""

import os
from typing import NamedTuple

import numpy as np

from srvp_tf.config import Config, ModelConfig, corpora
from srvp_tf.errors import UserError
from srvp_tf.models.clips import ACTIONS, parts


class InputVideo(NamedTuple):
    """Frames of a video as a model takes them, and what was done while they were taken.

    source: what it is called.
    frames: uint8 [nt_cond .. nt_cond + horizon, H, W, C], as many as there are.
    actions: of as many of its intervals as are known [.., A]; None: of none.
    """

    source: str
    frames: np.ndarray
    actions: np.ndarray | None


def input_frames(
    config: Config,
    horizon: int,
    path: str | os.PathLike | None = None,
    first: int = 0,
    video_id: int = 0,
) -> InputVideo:
    """Frames of a video, as a run's model takes them; what was done to them is printed.

    Args:
        horizon: frames wanted after those that the model is given.
        path: a video; None: test video `video_id` of the run's corpus.
        first: the frame to begin at, from 0.

    Raises:
        UserError: the file, or the corpus, cannot be read or has too few frames, or videos.
    """
    nt_cond, actions = config.data.nt_cond, None
    if path is None:
        source, (frames, given) = f"test video {video_id}", parts(_test_video(config, video_id))
        actions = given.get(ACTIONS)
    else:
        source, frames = path, corpora.iterate_frames(path, first + nt_cond + horizon)
        if config.model.action_size:
            actions = corpora.actions_beside(path, corpora.action_names(config))
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
    return InputVideo(str(source), np.stack(kept), None if actions is None else actions[first:])


def planned_actions(
    config: Config, horizon: int, video: InputVideo, plan: str | os.PathLike | None
) -> np.ndarray | None:
    """The actions of the intervals of nt_cond + horizon frames, None for a model that takes none.

    Args:
        plan: a table of the horizon's intervals, or of all; None: the video's own are taken.

    Returns:
        float32 [nt_cond - 1 + horizon, A].

    Raises:
        UserError: a model without actions is given some, some are missing, or another size.
    """
    size, past = config.model.action_size, config.data.nt_cond - 1
    if not size:
        if plan is not None:
            raise UserError(f"--actions={plan}: this model takes no actions, leave it out")
        return None
    known, wanted = video.actions, past + horizon
    if plan is None:
        if known is None:
            raise UserError(
                f"{video.source}: no table of actions lies beside it; give --actions, "
                f"{wanted} rows of {size} columns"
            )
        rows, source = known, f"{video.source}: its actions"
    else:
        rows = corpora.read_actions(plan, corpora.action_names(config))
        source = f"--actions={plan}"
        if past and known is not None and rows.shape == (horizon, known.shape[1]):
            rows = np.concatenate([known[:past], rows])
    if rows.shape[1] != size or len(rows) < wanted or plan is not None and len(rows) != wanted:
        own = f"{horizon} or " if known is not None and past else ""
        raise UserError(
            f"{source} have {len(rows)} rows of {rows.shape[1]} columns; predicting {horizon} "
            f"frames takes {own}{wanted} rows of {size}"
        )
    return rows[:wanted]


def _test_video(config: Config, index: int) -> np.ndarray | dict[str, np.ndarray]:
    """A test video, just as evaluation sees it: uint8 [test_length, H, W, C], maybe actions."""
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
