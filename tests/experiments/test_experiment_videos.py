"""Videos at twice the model's rate, from each kind of corpus."""

import numpy as np
import pytest

from data_pipelines.corpora.human36m import Human36m
from data_pipelines.corpora.sources import Video
from data_pipelines.storage.stored_videos import StoredVideos
from srvp_tf.config import corpora
from srvp_tf.experiments.videos import fine_test_videos, test_videos
from tests.runs import small_run

test_videos.__test__ = False  # pytest would take it for a test


def stored(stride):
    """Human3.6M's corpus, on two stored videos of known frames in place of prepared files."""
    corpus = Human36m.__new__(Human36m)
    corpus.stride, corpus.test_length, corpus.num_test_videos = stride, 3, 4
    corpus.frame_size, corpus.channels, corpus._told = 8, 3, set()
    corpus.authors_test_set = None
    videos = [
        np.arange(length * 8 * 8 * 3).reshape(length, 8, 8, 3).astype(np.uint8)
        for length in (30, 41)
    ]
    mapped = [Video(name, video) for name, video in zip(("S9-a", "S11-b"), videos, strict=True)]
    corpus.parts = {"test": StoredVideos(mapped, (8, 8, 3))}
    return corpus


def test_a_corpus_that_leaves_out_frames_has_those_in_between():
    corpus = stored(stride=4)
    coarse = test_videos(corpus, 4, 5)
    fine = fine_test_videos(corpus, small_run.config("--dataset=human36m", "--channels=3"), 4, 5)
    assert (coarse.rate, fine.rate) == (1, 2)
    assert fine.frames.shape == (4, 9, 8, 8, 3)
    np.testing.assert_array_equal(fine.coarse(), coarse.frames)
    # Successive stored frames differ by 8 * 8 * 3 = 192 everywhere, modulo 256.
    steps = np.diff(fine.frames.astype(int), axis=1) % 256
    assert (steps == 2 * 192 % 256).all()


def test_a_corpus_that_leaves_out_none_has_none_in_between():
    config = small_run.config("--dataset=human36m", "--channels=3")
    videos = fine_test_videos(stored(stride=3), config, 4, 5)
    assert videos.rate == 1 and videos.frames.shape == (4, 5, 8, 8, 3)


@pytest.mark.parametrize("max_speed", [4, 5])
def test_moving_mnist_at_half_the_speed(max_speed):
    config = small_run.config(
        f"--max_speed={max_speed}", "--motion=deterministic", "--frame_size=64"
    )
    videos = fine_test_videos(corpora.open_corpus(config), config, 6, 4)
    assert videos.rate == 2 and videos.frames.shape == (6, 7, 64, 64, 1)
    for video in videos.frames:
        rows = [np.flatnonzero(frame.any(axis=(1, 2)))[0] for frame in video]
        assert np.abs(np.diff(rows)).max() <= 2


def test_moving_mnist_too_slow_to_be_halved():
    config = small_run.config("--max_speed=1")
    videos = fine_test_videos(corpora.open_corpus(config), config, 2, 4)
    assert videos.rate == 1 and videos.frames.shape == (2, 4, 32, 32, 1)
