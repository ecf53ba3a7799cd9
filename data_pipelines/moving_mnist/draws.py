"""Random words with an address: the same word for a clip however clips are batched or sharded.

TensorFlow's counter-based Philox turns (key, counter) into 128 random bits. Here the key says what
the words are for, (seed, purpose), and the counter says whose they are: its low half counts clips,
its high half is a tag (the frame and the attempt that the draw serves). So a word depends on
nothing but its address; no generator has a state, and any clip can be made first.
"""

import hashlib
import math
from typing import NamedTuple

import tensorflow as tf

_PHILOX = 1
_WORDS_PER_BLOCK = 4
_WORD_RANGE = 2.0**32


def stream_key(*address: int | str) -> tf.Tensor:
    """Fold an address such as (seed, "train") into a Philox key, uint64 [1]."""
    digest = hashlib.sha256("/".join(map(str, address)).encode()).digest()
    return tf.constant([int.from_bytes(digest[:8], "little")], tf.uint64)


class ClipRows(NamedTuple):
    """Some rows of some consecutive global batches: the clips that one call generates.

    Clip r of batch s has the global index s * batch_size + r.
    """

    first_batch: tf.Tensor | int
    """The index of the first batch; int64 if it is a tensor."""
    num_batches: int
    batch_size: int
    """Clips in a whole batch, those of other shards included."""
    rows: range
    """Which clips of each batch are wanted, e.g. range(batch_size)."""

    @property
    def count(self) -> int:
        """The number of clips wanted, over all batches."""
        return self.num_batches * len(self.rows)


def words(key: tf.Tensor, clips: ClipRows, shape: tuple[int, ...], tag: tf.Tensor) -> tf.Tensor:
    """Random words of clips, float64 [clips.count, *shape] of integers in [0, 2^32).

    `shape` is that of one clip's words, and part of the address; `tag`, a uint64 scalar, tells
    apart the draws that one clip makes.
    """
    count = math.prod(shape)
    blocks = -(-count // _WORDS_PER_BLOCK)
    first_clip = tf.cast(clips.first_batch, tf.uint64) * clips.batch_size
    # The counter advances by itself from row to row, so the other shards' words are drawn too and
    # dropped: cheaper than a call per batch, for they cost a fraction of what a clip does.
    drawn = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[clips.num_batches * clips.batch_size, blocks * _WORDS_PER_BLOCK],
        key=key,
        counter=tf.stack([first_clip * blocks, tag]),
        alg=_PHILOX,
        dtype=tf.uint32,
    )
    drawn = tf.reshape(drawn[:, :count], (clips.num_batches, clips.batch_size, count))
    drawn = drawn[:, clips.rows.start : clips.rows.stop]
    return tf.reshape(tf.cast(drawn, tf.float64), (clips.count, *shape))


def uniform_integers(drawn: tf.Tensor, low: int, high: int | tf.Tensor) -> tf.Tensor:
    """Map words to integers U{low..high}, both included, as float64 of the same shape.

    `high` may be a float64 tensor of that shape.

    This is the multiply-shift method; the product is below 2^53 for every range below 2^21, hence
    exact. No value's probability is off by more than 2^-32 (for a digit of 60,000, 1.4e-5 of it).
    """
    return tf.floor(drawn * ((high - low + 1) / _WORD_RANGE)) + low
