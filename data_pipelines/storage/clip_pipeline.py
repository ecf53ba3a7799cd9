"""Batches of random clips of stored videos: which clip is where depends on addresses alone."""

import numpy as np
import tensorflow as tf

from data_pipelines.moving_mnist.draws import ClipRows, stream_key, uniform_integers, words
from data_pipelines.storage.stored_videos import StoredVideos, span


def clip_batches(
    videos: StoredVideos,
    address: tuple[int | str, ...],
    clips: ClipRows,
    *,
    length: int,
    stride: int,
    epochs: bool,
) -> tf.data.Dataset:
    """Endless batches, uint8 [clips.count, length, H, W, C].

    Of videos with actions {"frames": such, "actions": float32 [clips.count, length - 1, A]}.

    A clip is a video drawn uniformly, then a start drawn uniformly inside it.

    Args:
        videos: each has `span(length, stride)` frames or more.
        address: names the stream, with the seed.
        clips: those of the first batch.
        length: frames in a clip.
        stride: frames of a video from one of the clip's to the next.
        epochs: run through all videos, in a new order each time, instead of drawing them.
    """
    key = stream_key(*address, "clip")
    order_key = stream_key(*address, "order")
    num_starts = tf.constant(videos.lengths - span(length, stride) + 1, tf.float64)

    @tf.autograph.experimental.do_not_convert
    def draw(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_step = clips._replace(first_batch=step)
        drawn = words(key, of_step, (2,), tf.constant(0, tf.uint64))
        if epochs:
            chosen = _in_epochs(order_key, of_step, len(videos))
        else:
            chosen = tf.cast(uniform_integers(drawn[:, 0], 0, len(videos) - 1), tf.int64)
        starts = uniform_integers(drawn[:, 1], 0, tf.gather(num_starts, chosen) - 1)
        return chosen, tf.cast(starts, tf.int64)

    @tf.autograph.experimental.do_not_convert
    def read(chosen: tf.Tensor, starts: tf.Tensor) -> tf.Tensor | dict[str, tf.Tensor]:
        frames = tf.numpy_function(
            lambda v, s: videos.clips(v, s, length, stride), [chosen, starts], tf.uint8, False
        )
        frames = tf.ensure_shape(frames, (clips.count, length, *videos.frame_shape))
        if not videos.num_actions:
            return frames
        actions = tf.numpy_function(
            lambda v, s: videos.actions(v, s, length), [chosen, starts], tf.float32, False
        )
        shape = (clips.count, length - 1, videos.num_actions)
        return {"frames": frames, "actions": tf.ensure_shape(actions, shape)}

    return (
        tf.data.Dataset.counter(clips.first_batch)
        .map(draw)
        .map(read, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


def _in_epochs(key: tf.Tensor, clips: ClipRows, num_videos: int) -> tf.Tensor:
    """The videos of some clips of a batch, int64: clip i is number i mod N of epoch i div N.

    An epoch's order is that of random words, whose address is (key, epoch, video).
    """
    first = clips.first_batch * clips.batch_size
    first_epoch = first // num_videos
    num_epochs = (clips.batch_size - 1) // num_videos + 2
    epochs = ClipRows(first_epoch, num_epochs, 1, range(1))
    drawn = words(key, epochs, (num_videos,), tf.constant(0, tf.uint64))
    orders = tf.reshape(tf.argsort(drawn, axis=1, stable=True), [-1])
    numbers = first + tf.constant(np.array(clips.rows), tf.int64)
    return tf.cast(tf.gather(orders, numbers - first_epoch * num_videos), tf.int64)
