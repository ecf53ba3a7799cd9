"""Videos of the corpus that a run is judged on."""

import os

import numpy as np

from srvp_tf.config import corpora
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder


def sample_videos(
    run: str | os.PathLike = "smmnist",
    num_videos: int = 4,
    data_dir: str | os.PathLike | None = None,
) -> np.ndarray | dict[str, np.ndarray]:
    """The first test videos of a run's corpus, as the model takes them: `srvp_tf.sample_videos`.

    Args:
        run: the path of a run folder, or the name of a shipped model.
        num_videos: how many, N.
        data_dir: where the prepared corpus is; None: where the run had it. Moving MNIST needs none.

    Returns:
        uint8 array [N, T, H, W, C]; T is the run's `test_length`, of which the model is given the
        first `nt_cond`. Of a run with actions {"frames": these, "actions": float32 [N, T - 1, A]}.

    Raises:
        UserError: there is no such run, or not so many test videos, or the corpus is not there or
            damaged.
    """
    config = RunFolder.find(run).config()
    if data_dir is not None:
        config = config.replace(data_dir=str(data_dir))
    corpus = corpora.open_corpus(config)
    if not 1 <= num_videos <= corpus.num_test_videos:
        raise UserError(f"num_videos={num_videos}: give 1 to {corpus.num_test_videos}")
    videos = corpus.test_videos(length=config.data.test_length, num_videos=num_videos)
    return next(videos.batch(num_videos).as_numpy_iterator())
