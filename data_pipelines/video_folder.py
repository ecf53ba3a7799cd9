"""Anybody's videos, prepared by `python -m data_pipelines.prepare --dataset=video_folder`."""

import numpy as np

from data_pipelines.moving_mnist_test_set import OFFICIAL_SEED
from data_pipelines.prepared_corpus import Clip, PreparedCorpus
from data_pipelines.stored_videos import StoredVideos

MIN_TEST_CLIPS = 256


class VideoFolder(PreparedCorpus):
    """Grey or colour, with the stride and the parts that `prepare` gave it.

    The test set takes the test videos in turn, from random starts: 256 clips, or one of each video
    if there are more.
    """

    dataset = "video_folder"
    test_length = 20

    @property
    def num_test_videos(self) -> int:
        """Clips, not files."""
        return max(MIN_TEST_CLIPS, len(self.parts["test"]))

    def test_clips(self, videos: StoredVideos, length: int) -> list[Clip]:
        """Shorter lengths than `test_length` begin alike; too short videos are left out."""
        needed = length
        if videos.lengths.max() >= self.test_length:
            needed = max(length, self.test_length)
        self.usable("test", needed)  # for what it says
        among = np.flatnonzero(videos.lengths >= needed)
        rng = np.random.RandomState(OFFICIAL_SEED)
        clips = []
        for number in range(self.num_test_videos):
            video = among[number % len(among)]
            clips.append((int(video), rng.randint(videos.lengths[video] - needed + 1)))
        return clips
