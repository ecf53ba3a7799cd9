"""Random words: their address is all they depend on."""

import numpy as np
import tensorflow as tf

from data_pipelines.moving_mnist.draws import ClipRows, stream_key, uniform_integers, words

KEY = stream_key(3, "train")


def draw(first_batch, batch_size, tag=0, key=KEY):
    clips = ClipRows(tf.constant(first_batch, tf.int64), 1, batch_size, range(batch_size))
    return words(key, clips, (2, 5), tf.constant(tag, tf.uint64)).numpy()


def test_the_counter_has_no_wrap_within_reach():
    far = 2**40
    together = draw(far, 4)
    np.testing.assert_array_equal(draw(4 * far + 3, 1), together[3:])
    assert not np.array_equal(together, draw(0, 4))


def test_other_addresses_have_other_words():
    seen = [draw(0, 4), draw(1, 4), draw(0, 4, tag=1), draw(0, 4, tag=1 << 32)]
    seen += [draw(0, 4, key=stream_key(*x)) for x in ((4, "train"), (3, "validation"))]
    assert len(np.unique(np.stack(seen))) == sum(x.size for x in seen)


def test_the_largest_word_stays_within_the_range():
    ends = tf.constant([0.0, 2.0**32 - 1], tf.float64)
    np.testing.assert_array_equal(uniform_integers(ends, 0, 59_999), [0, 59_999])
