"""Random words: their address is all they depend on."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from data_pipelines.moving_mnist.draws import ClipRows, stream_key, uniform_integers, words

KEY = stream_key(3, "train")


def clips(first_batch, num_batches, batch_size, rows=None):
    rows = range(batch_size) if rows is None else rows
    return ClipRows(tf.constant(first_batch, tf.int64), num_batches, batch_size, rows)


def draw(clips, shape=(2, 5), tag=0, key=KEY):
    return words(key, clips, shape, tf.constant(tag, tf.uint64)).numpy()


@pytest.mark.parametrize("shape", [(2, 5), (2, 2), (1,), (3, 2)])
def test_a_clip_has_its_words_however_it_is_batched(shape):
    together = draw(clips(0, 1, 24), shape)
    np.testing.assert_array_equal(draw(clips(0, 3, 8), shape), together)
    np.testing.assert_array_equal(draw(clips(2, 1, 8), shape), together[16:])
    np.testing.assert_array_equal(draw(clips(23, 1, 1), shape), together[23:])
    shard = draw(clips(1, 2, 8, range(4, 6)), shape)
    np.testing.assert_array_equal(shard, together[[12, 13, 20, 21]])


def test_the_counter_has_no_wrap_within_reach():
    far = 2**40
    together = draw(clips(far, 1, 4))
    np.testing.assert_array_equal(draw(clips(4 * far + 3, 1, 1)), together[3:])
    assert not np.array_equal(together, draw(clips(0, 1, 4)))


def test_other_addresses_have_other_words():
    seen = [
        draw(clips(0, 1, 4)),
        draw(clips(1, 1, 4)),
        draw(clips(0, 1, 4), tag=1),
        draw(clips(0, 1, 4), tag=1 << 32),
        draw(clips(0, 1, 4), key=stream_key(4, "train")),
        draw(clips(0, 1, 4), key=stream_key(3, "validation")),
    ]
    assert len(np.unique(np.stack(seen))) == sum(x.size for x in seen)


def test_integers_are_uniform_over_both_ends():
    drawn = uniform_integers(draw(clips(0, 1, 20_000), (1,)), -4, 4).numpy().ravel()
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(-4, 5))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_the_largest_word_stays_within_the_range():
    ends = tf.constant([0.0, 2.0**32 - 1], tf.float64)
    np.testing.assert_array_equal(uniform_integers(ends, 0, 59_999), [0, 59_999])
