"""Real videos for the comparison of an exported model with its source."""

import numpy as np

from data_pipelines import open_corpus
from data_pipelines.corpus import Corpus
from srvp_tf.config import Config, corpora
from srvp_tf.errors import UserError
from srvp_tf.models.clips import parts


def real_frames(config: Config, num_videos: int, num_frames: int) -> tuple[np.ndarray, str]:
    """Test videos of a run's corpus; moving digits, and a line, where it cannot be read here.

    Returns:
        (uint8 [num_videos, num_frames, H, W, C] as the model takes them, name of their corpus).
    """
    size, channels = config.model.frame_size, config.model.channels
    try:
        videos = _test_videos(corpora.open_corpus(config), num_videos, num_frames)
        if videos.shape[2:] == (size, size, channels):
            return videos, config.data.dataset
        reason = f"its videos are {list(videos.shape[2:])}"
    except (UserError, OSError) as error:  # a model is often exported elsewhere
        reason = " ".join(str(error).split())
    print(f"parity: moving digits in the place of {config.data.dataset}, as {reason}")
    digits = _test_videos(open_corpus("moving_mnist", frame_size=size), num_videos, num_frames)
    return np.repeat(digits, channels, axis=-1), "moving_mnist"


def _test_videos(corpus: Corpus, num_videos: int, num_frames: int) -> np.ndarray:
    available = min(num_videos, corpus.num_test_videos)
    videos = corpus.test_videos(length=num_frames, num_videos=available)
    videos = videos.map(lambda video: parts(video)[0])
    # Where there are fewer, each serves again, with other noise.
    return np.take(list(videos.as_numpy_iterator()), range(num_videos), axis=0, mode="wrap")
