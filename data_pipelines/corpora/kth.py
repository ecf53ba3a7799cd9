"""KTH human actions, prepared by `python -m data_pipelines.prepare --dataset=kth`."""

import numpy as np

from data_pipelines.corpora.authors_test_files import SequencesFile
from data_pipelines.corpora.prepared_corpus import ClipStart, PreparedCorpus
from data_pipelines.moving_mnist.test_set import OFFICIAL_SEED
from data_pipelines.storage.stored_videos import StoredVideos

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
TEST_PERSONS = range(21, 26)
TAKES = range(1, 5)


class Kth(PreparedCorpus):
    """Grey, 25 frames a second; persons 1 to 20 train and validate, 21 to 25 test.

    The test set is the authors' 1,000 clips of 40 frames, or `svg_test_set_40.npz` in data_dir.
    """

    dataset = "kth"
    test_length = 40
    num_test_videos = 1000
    authors_test_set = SequencesFile("svg_test_set_40.npz")

    def test_clips(self, videos: StoredVideos, length: int) -> list[ClipStart]:
        """The official draws; among the videos that there are, if some of the 100 are missing."""
        needed = max(length, self.test_length)
        named = zip(videos.names, videos.lengths, strict=True)
        lengths = {name: frames for name, frames in named if frames >= needed}
        expected = [f"{a}/person{p}_{a}_d{d}" for a in ACTIONS for p in TEST_PERSONS for d in TAKES]
        if missing := set(expected) - set(lengths):
            self.not_official(
                f"{len(missing)} of its {len(expected)} videos are missing or have fewer than "
                f"{needed} frames"
            )
        rng = np.random.RandomState(OFFICIAL_SEED)
        index = {name: i for i, name in enumerate(videos.names)}
        among = [name for name in expected if name in lengths] or self.no_test_video(needed)
        clips = []
        for _ in range(self.num_test_videos):
            action = ACTIONS[rng.randint(6)]
            person, take = rng.randint(21, 26), rng.randint(1, 5)
            name = f"{action}/person{person}_{action}_d{take}"
            if name not in lengths:
                name = among[rng.randint(len(among))]
            clips.append((index[name], rng.randint(lengths[name] - needed + 1)))
        return clips
