"""Anybody's videos, prepared by `python -m data_pipelines.prepare --dataset=video_folder`."""

import itertools

import numpy as np

from data_pipelines.corpora.prepared_corpus import ClipStart, PreparedCorpus
from data_pipelines.moving_mnist.test_set import OFFICIAL_SEED
from data_pipelines.storage.stored_videos import StoredVideos

MIN_TEST_CLIPS = 256


class VideoFolder(PreparedCorpus):
    """Grey or colour, with the stride and the parts that `prepare` gave it.

    The test set takes the test videos in turn, from random starts: 256 clips, or one of each video
    if there are more; all there are, if they are fewer. No clip is taken twice.
    """

    dataset = "video_folder"
    test_length = 20

    @property
    def num_test_videos(self) -> int:
        """Clips, not files; longer ones than `test_length` may be fewer."""
        lengths = self.parts["test"].lengths
        starts = lengths - min(self.test_length, lengths.max()) + 1
        return int(min(self._most, starts[starts > 0].sum()))

    @property
    def _most(self) -> int:
        return max(MIN_TEST_CLIPS, len(self.parts["test"]))

    def test_clips(self, videos: StoredVideos, length: int) -> list[ClipStart]:
        """Shorter lengths than `test_length` begin alike; too short videos are left out."""
        needed = length
        if videos.lengths.max() >= self.test_length:
            needed = max(length, self.test_length)
        self.usable("test", needed)  # for what it says
        rng = np.random.RandomState(OFFICIAL_SEED)
        starts = {
            int(video): rng.permutation(videos.lengths[video] - needed + 1)[: self._most]
            for video in np.flatnonzero(videos.lengths >= needed)
        }
        in_turn = (
            (video, int(of_video[turn]))
            for turn in range(self._most)
            for video, of_video in starts.items()
            if turn < len(of_video)
        )
        return list(itertools.islice(in_turn, self._most))
