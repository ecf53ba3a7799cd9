"""What the prepared corpora share: parts, random clips for training, fixed ones for testing."""

import logging
import os
from abc import abstractmethod
from typing import NoReturn

import numpy as np
import tensorflow as tf

from data_pipelines.corpora.authors_test_files import AuthorsTestSet
from data_pipelines.corpora.sources import STATE_PREFIX
from data_pipelines.corpus import AddressedCorpus, Element, Reader
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist.digits import split_train_validation
from data_pipelines.moving_mnist.draws import ClipRows
from data_pipelines.paths import local_path
from data_pipelines.storage.clip_pipeline import clip_batches
from data_pipelines.storage.stored_videos import StoredVideos, find_preparation, span

_LOG = logging.getLogger(__name__)

ClipStart = tuple[int, int]
"""Index of a test video, and a start in it."""


class PreparedCorpus(AddressedCorpus):
    """A corpus that `prepare` has written; implements `Corpus`.

    95 % of the training videos train and 5 % validate, unless the preparation has a part for it.
    Test clips that are drawn have NumPy's legacy seed 42.
    """

    stride = 1
    """Frames of a video from one of a clip's frames to the next."""
    epochs = False
    """Whether training runs through the videos without replacement."""
    test_length: int
    """Frames of a clip of the official test set; shorter ones are the beginnings of these."""
    authors_test_set: AuthorsTestSet | None = None
    """Files in data_dir that, where they are, take the place of the prepared test videos."""

    def __init__(
        self,
        *,
        data_dir: str | os.PathLike,
        frame_size: int = 64,
        channels: int | None = None,
        actions: bool = False,
        state: bool = False,
    ):
        """Open a preparation, see `find_preparation`; raises `DataError`.

        Args:
            data_dir: the folder that was given to `prepare`.
            frame_size: height and width of a frame in pixels, as prepared.
            channels: C, where a folder was prepared with more than one; None: what there is.
            actions: give the actions of each clip too, as they are stored, see `Corpus`.
            state: put the state that was measured at a clip's first frame behind each of its
                actions: the columns whose names begin with `STATE_PREFIX`.
        """
        self.data_dir = local_path(data_dir)
        folder = find_preparation(self.dataset, self.data_dir, frame_size, channels)
        folder.read_ahead()
        self.frame_size, _, self.channels = folder.frame_shape
        self.skipped = folder.skipped
        """A line for each file that `prepare` left out."""
        self.remarks = folder.remarks
        """Lines on what `prepare` read as it is stored though players show it otherwise."""
        names = folder.action_names
        of_state = [i for i, name in enumerate(names) if name.startswith(STATE_PREFIX)]
        self.num_state = len(of_state) if state else 0
        """Columns of the state, the last of `action_names`."""
        columns = [i for i in range(len(names)) if i not in of_state] + of_state * state
        self.action_names = tuple(names[i] for i in columns)
        """Columns of the actions; () if it was prepared without."""
        self.action_mean = folder.action_mean[columns].astype(np.float32)
        """Of each column over the training part, float32 [A]."""
        self.action_scale = folder.action_scale[columns].astype(np.float32)
        """Their standard deviation, 1 for a column that never changes, float32 [A]."""
        if (actions and not self.action_names) or (state and not self.num_state):
            what = "actions" if actions and not self.action_names else "a state"
            raise DataError(
                f"{folder.path}: was prepared without {what}; prepare videos that have one, or do "
                "without."
            )
        given = (columns, self.num_state) if actions else ()
        train, validation, test = (
            folder.part(name, *given) for name in ("train", "validation", "test")
        )
        if train and validation is None:
            kept, held_out = split_train_validation(len(train))
            train, validation = train.subset(kept), train.subset(held_out)
        self.parts = {"train": train, "validation": validation, "test": test}
        """The videos of each part."""
        self._told: set[str] = set()
        for part, videos in self.parts.items():
            if not videos:
                raise DataError(
                    f"{folder.path}: no video for the {part} part; prepare more videos."
                )

    @abstractmethod
    def test_clips(self, videos: StoredVideos, length: int) -> list[ClipStart]:
        """The `num_test_videos` clips, each a (video, start) with room for `length` frames.

        Fewer, where a corpus has not so many different ones of that length.
        """

    def tell(self, line: str) -> None:
        """Warn, once."""
        if line not in self._told:
            self._told.add(line)
            _LOG.warning("%s: %s", self.dataset, line)

    def not_official(self, why: str) -> None:
        """Warn that the test set is another than the published one."""
        self.tell(f"the test set is not the official one: {why}")

    def usable(self, part: str, length: int) -> StoredVideos:
        """The videos of a part that a clip fits into; the others are counted in a warning.

        Raises:
            DataError: there are none.
        """
        videos, needed = self.parts[part], span(length, self.stride)
        fitting = np.flatnonzero(videos.lengths >= needed)
        if not len(fitting):
            raise DataError(
                f"{self.dataset}: the longest {part} video has {videos.lengths.max()} frames, a "
                f"clip needs {needed}; ask for shorter clips."
            )
        if len(fitting) == len(videos):
            return videos
        self.tell(
            f"{len(videos) - len(fitting)} of {len(videos)} {part} videos are skipped: they have "
            f"fewer frames than the {needed} of a clip"
        )
        return videos.subset(fitting)

    def no_test_video(self, needed: int, longest: int | None = None) -> NoReturn:
        """Raise the `DataError` of test videos that are too short."""
        longest = int(self.parts["test"].lengths.max()) if longest is None else longest
        raise DataError(
            f"{self.dataset}: a test clip needs {needed} frames, there are {longest}; ask for "
            "shorter ones (--test_length)."
        )

    def _test_reader(self, length: int, num_videos: int | None) -> tuple[int, Reader]:
        wanted = num_videos or self.num_test_videos
        theirs, videos = self.authors_test_set, self.parts["test"]
        path = theirs.find(self.data_dir) if theirs else None
        if path and videos.num_actions:
            self.tell(f"{path} holds no actions; the test set is of the prepared videos")
        elif path:
            theirs.require(path, wanted, length, (self.frame_size, self.frame_size, self.channels))
            self.tell(f"the test set is that of {path}")
            return wanted, lambda: theirs.videos(path, length)
        clips = self.test_clips(videos, length)[:wanted]
        if num_videos and len(clips) < num_videos:
            raise DataError(
                f"{self.dataset}: there are {len(clips)} different test clips of {length} frames, "
                f"not {num_videos}; give --num_videos={len(clips)} or a smaller --test_length."
            )

        def read(video: int, start: int) -> Element:
            frames = videos.clips([video], [start], length, self.stride)[0]
            if not videos.num_actions:
                return frames
            return {"frames": frames, "actions": videos.actions([video], [start], length)[0]}

        return len(clips), lambda: (read(*clip) for clip in clips)

    def _video_spec(self, length: int) -> tf.TensorSpec | dict[str, tf.TensorSpec]:
        frames = super()._video_spec(length)
        if not (num_actions := self.parts["test"].num_actions):
            return frames
        return {"frames": frames, "actions": tf.TensorSpec((length - 1, num_actions), tf.float32)}

    def _batches(
        self, part: str, address: tuple[int | str, ...], length: int, clips: ClipRows
    ) -> tf.data.Dataset:
        options = {"length": length, "stride": self.stride, "epochs": self.epochs}
        return clip_batches(self.usable(part, length), address, clips, **options)
