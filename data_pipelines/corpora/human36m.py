"""Human3.6M, prepared by `python -m data_pipelines.prepare --dataset=human36m`."""

import numpy as np

from data_pipelines.corpora.authors_test_files import ImageFiles
from data_pipelines.corpora.prepared_corpus import ClipStart, PreparedCorpus
from data_pipelines.moving_mnist.test_set import OFFICIAL_SEED
from data_pipelines.storage.stored_videos import StoredVideos, span

TEST_SUBJECTS = ("S9", "S11")


class Human36m(PreparedCorpus):
    """Colour; every 8th frame, 6.25 a second; subjects 9 and 11 test, the others train.

    The test set is the authors' 1,000 clips of 53 frames, or `test_set_53_8` in data_dir.
    """

    dataset = "human36m"
    stride = 8
    test_length = 53
    num_test_videos = 1000
    authors_test_set = ImageFiles("test_set_53_8", stride)

    def test_clips(self, videos: StoredVideos, length: int) -> list[ClipStart]:
        """The official draws, among the videos that there are and that are long enough."""
        needed = span(max(length, self.test_length), self.stride)
        # The authors drew from the sorted names of files, so S11 comes before S9.
        order = sorted(range(len(videos)), key=lambda i: f"{videos.names[i]}.npz")
        long_enough = [i for i in order if videos.lengths[i] >= needed]
        subjects = {videos.names[i].partition("-")[0] for i in long_enough}
        if missing := [subject for subject in TEST_SUBJECTS if subject not in subjects]:
            self.not_official(f"no video of {' and '.join(missing)}")
        if dropped := len(order) - len(long_enough):
            self.not_official(f"{dropped} of {len(order)} videos have fewer than {needed} frames")
        among = long_enough or self.no_test_video(needed)
        rng = np.random.RandomState(OFFICIAL_SEED)
        clips = []
        for _ in range(self.num_test_videos):
            video = among[rng.randint(len(among))]
            clips.append((video, rng.randint(videos.lengths[video] - needed + 1)))
        return clips
