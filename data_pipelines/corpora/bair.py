"""BAIR robot pushing, prepared by `python -m data_pipelines.prepare --dataset=bair`."""

from data_pipelines.corpora.prepared_corpus import ClipStart, PreparedCorpus
from data_pipelines.storage.stored_videos import StoredVideos

OFFICIAL_TEST_VIDEOS = 256


class Bair(PreparedCorpus):
    """Colour, 30 frames a video; trained on in epochs; all test videos from their first frame."""

    dataset = "bair"
    epochs = True
    test_length = 30

    @property
    def num_test_videos(self) -> int:
        """256 in the official corpus."""
        return len(self.parts["test"])

    def test_clips(self, videos: StoredVideos, length: int) -> list[ClipStart]:
        """Each video, in order."""
        if videos.lengths.min() < length:
            self.no_test_video(length, int(videos.lengths.min()))
        if len(videos) != OFFICIAL_TEST_VIDEOS:
            self.not_official(f"it has {len(videos)} videos, not {OFFICIAL_TEST_VIDEOS}")
        return [(video, 0) for video in range(len(videos))]
