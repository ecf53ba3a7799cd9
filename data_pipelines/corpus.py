"""What every corpus offers, whatever its files look like."""

from typing import Protocol, runtime_checkable

import tensorflow as tf


@runtime_checkable
class Corpus(Protocol):
    """Videos to train on, to validate with and to test with; no video is in two of the three.

    All datasets carry uint8 in [0, 255], channels last; models scale to [0, 1] on their device.
    Their elements are in a fixed order and their static shapes are complete. Bad arguments, and
    data that cannot be read, raise `DataError`.
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
