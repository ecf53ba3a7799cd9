"""What every corpus offers, whatever its files look like."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import numpy as np
import tensorflow as tf

from data_pipelines.errors import DataError, require_at_least
from data_pipelines.moving_mnist.draws import ClipRows

Element = np.ndarray | dict[str, np.ndarray]
"""Frames, or {"frames": such, "actions": theirs}."""
Reader = Callable[[], Iterable[Element]]


@runtime_checkable
class Corpus(Protocol):
    """Videos to train on, to validate with and to test with; no video is in two of the three.

    All datasets carry uint8 in [0, 255], channels last; models scale to [0, 1] on their device.
    Their elements are in a fixed order and their static shapes are complete. Bad arguments, and
    data that cannot be read, raise `DataError`.

    A corpus that was opened with actions gives dicts, {"frames": what it gives without, "actions":
    float32 [..., length - 1, A]}: row t is of the interval from frame t to t + 1.
    """

    channels: int
    """C, 1 for grey and 3 for RGB."""
    frame_size: int
    """H = W, in pixels."""
    num_test_videos: int
    """How many videos `test_videos` can give."""

    def training_batches(
        self,
        *,
        length: int,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """Endless batches of clips, uint8 [batch_size / n, length, H, W, C].

        Element k is the batch of training step first_step + k, so a run that resumes sees what
        the uninterrupted one would have seen, at no cost.

        Args:
            length: frames in a clip.
            batch_size: clips in the GLOBAL batch, a multiple of n.
            seed: names the stream; a clip depends on nothing but (seed, its global index, length).
            first_step: the training step of the first element.
            shard: (i, n): give the i-th of n equal parts of the rows of each global batch.
        """
        ...

    def validation_batches(
        self, *, length: int, batch_size: int, num_batches: int, seed: int, draw: int = 0
    ) -> tf.data.Dataset:
        """num_batches batches, uint8 [batch_size, length, H, W, C], of the validation part.

        `draw` numbers the occasions: another draw, other clips; the same draw, the same clips.
        """
        ...

    def test_videos(self, *, length: int, num_videos: int | None = None) -> tf.data.Dataset:
        """The first num_videos (all if None) test videos, uint8 [length, H, W, C] each.

        They are the published test set of the corpus, in its order; they depend on no seed.
        """
        ...


class AddressedCorpus(Corpus):
    """Base of the corpora of this package: a subclass draws batches, and reads test videos."""

    dataset: str
    """The name of the corpus, part of each address."""
    more_test_videos = ""
    """What an error says to those who ask for more than there are."""

    def training_batches(
        self,
        *,
        length: int,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """Endless batches of clips, see `Corpus.training_batches`."""
        require_at_least("first_step", first_step, 0)
        address = (seed, self.dataset, "train")
        return self._unsharded("train", address, length, batch_size, shard, first_step)

    def validation_batches(
        self, *, length: int, batch_size: int, num_batches: int, seed: int, draw: int = 0
    ) -> tf.data.Dataset:
        """Batches of clips of the validation part, see `Corpus.validation_batches`."""
        require_at_least("num_batches", num_batches, 1)
        address = (seed, self.dataset, "validation", draw)
        batches = self._unsharded("validation", address, length, batch_size, (0, 1), 0)
        return batches.take(num_batches)

    def test_videos(self, *, length: int, num_videos: int | None = None) -> tf.data.Dataset:
        """The test videos, see `Corpus.test_videos`; read or made one by one."""
        require_at_least("length", length, 1)
        if num_videos is not None:
            require_at_least("num_videos", num_videos, 1)
            if num_videos > self.num_test_videos:
                raise DataError(
                    f"num_videos is {num_videos} but there are {self.num_test_videos} test videos; "
                    f"ask for fewer{self.more_test_videos}."
                )
        count, read = self._test_reader(length, num_videos)
        dataset = tf.data.Dataset.from_generator(read, output_signature=self._video_spec(length))
        cardinality = tf.data.experimental.assert_cardinality(count)
        return dataset.take(count).apply(cardinality).prefetch(tf.data.AUTOTUNE)

    def _video_spec(self, length: int) -> tf.TensorSpec | dict[str, tf.TensorSpec]:
        """What describes a test video."""
        shape = (length, self.frame_size, self.frame_size, self.channels)
        return tf.TensorSpec(shape, tf.uint8)

    def _unsharded(self, part, address, length, batch_size, shard, first_step) -> tf.data.Dataset:
        require_at_least("length", length, 1)
        clips = ClipRows(first_step, 1, batch_size, _rows_of(shard, batch_size))
        batches = self._batches(part, address, length, clips)
        options = tf.data.Options()
        # Sharding is an argument here; TensorFlow's own would drop or repeat steps.
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        return batches.with_options(options)

    @abstractmethod
    def _batches(
        self, part: str, address: tuple[int | str, ...], length: int, clips: ClipRows
    ) -> tf.data.Dataset:
        """Endless batches, of which `clips` are the first."""

    @abstractmethod
    def _test_reader(self, length: int, num_videos: int | None) -> tuple[int, Reader]:
        """How many test videos to take, all if None were asked for, and what reads them."""


def _rows_of(shard: tuple[int, int], batch_size: int) -> range:
    """The rows of a global batch that shard (i, n) holds: the i-th of n equal parts."""
    index, count = shard
    require_at_least("batch_size", batch_size, 1)
    if not 0 <= index < count:
        raise DataError(f"shard is ({index}, {count}); give (i, n) with 0 <= i < n.")
    if batch_size % count:
        raise DataError(
            f"batch_size {batch_size} cannot be split over {count} shards; give a multiple."
        )
    rows = batch_size // count
    return range(index * rows, (index + 1) * rows)
