"""The videos of the experiments' command: those of the run's corpus, or the user's own."""

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from srvp_tf.config import Config, corpora
from srvp_tf.errors import UserError

if TYPE_CHECKING:
    from srvp_tf.config.corpora import Corpus


class Videos(NamedTuple):
    """Videos of one length.

    frames: uint8 [N, T, H, W, C].
    rate: frames per frame interval of the model.
    """

    frames: np.ndarray
    rate: int = 1

    def coarse(self) -> np.ndarray:
        """Those frames that the model is meant for: every `rate`-th."""
        return self.frames[:, :: self.rate]


def test_videos(corpus: "Corpus", num_videos: int, length: int) -> Videos:
    """The first test videos of a corpus, fewer if it has fewer: `Videos` at rate 1."""
    count = min(num_videos, corpus.num_test_videos)
    videos = corpus.test_videos(length=length, num_videos=count)
    return Videos(np.stack(list(videos.as_numpy_iterator())))


def fine_test_videos(corpus: "Corpus", config: Config, num_videos: int, length: int) -> Videos:
    """Test videos at twice the model's rate, whose every second frame makes `length` frames.

    Moving MNIST is generated at half the speed: the frames that the model sees move by even
    speeds, and turn round where a digit at half the speed does. Of a prepared corpus that takes
    every 2nd, 4th, ... stored frame, the stored ones in between are read.

    Returns:
        `Videos` at rate 2; at rate 1 where there are no frames in between.
    """
    fine_length = 2 * length - 1
    if config.data.dataset == "moving_mnist":
        speed = config.data.max_speed // 2
        if not speed:
            return test_videos(corpus, num_videos, length)
        data = dataclasses.replace(config.data, max_speed=speed)
        slow = corpora.open_corpus(dataclasses.replace(config, data=data))
        return test_videos(slow, num_videos, fine_length)._replace(rate=2)
    if corpus.stride % 2:
        return test_videos(corpus, num_videos, length)
    stored = corpus.parts["test"]
    chosen = corpus.test_clips(stored, length)[:num_videos]
    frames = [
        stored.clips([video], [start], fine_length, corpus.stride // 2)[0]
        for video, start in chosen
    ]
    return Videos(np.stack(frames), rate=2)


def input_videos(
    paths: Sequence[str | os.PathLike], config: Config, rate: int, length: int, needed: int
) -> Videos:
    """The user's videos, all cut to the shortest: `Videos`.

    Args:
        paths: one or more.
        rate: frames of the inputs per frame interval of the model.
        length: frames at the model's rate that are read at most.
        needed: frames at the model's rate that each must have.

    Raises:
        UserError: a file cannot be read, or has fewer frames than are needed.
    """
    videos = []
    for path in paths:
        # Fitted at once: many large frames would not fit into memory.
        frames = [
            corpora.fit_frames(frame[np.newaxis], config.model.frame_size, config.model.channels)[0]
            for frame in corpora.iterate_frames(path, (length - 1) * rate + 1)
        ]
        found = -(-len(frames) // rate)
        if found < needed:
            raise UserError(
                f"{path} has {found} frames at the model's rate; this experiment needs {needed}"
            )
        videos.append(np.stack(frames))
        for remark in corpora.remarks(path):
            print(f"{path}: {remark}")
    shortest = min(-(-len(video) // rate) for video in videos)
    return Videos(np.stack([video[: (shortest - 1) * rate + 1] for video in videos]), rate)
