"""Moving MNIST: digits that bounce in a square, generated without end while training runs."""

import os
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import tensorflow as tf

from data_pipelines.arguments import require_at_least, require_one_of, shard_rows
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist import test_set
from data_pipelines.moving_mnist.digits import DIGIT_SIZE, load_digits, split_train_validation
from data_pipelines.moving_mnist.draws import ClipRows, stream_key
from data_pipelines.moving_mnist.motion import Rules, Scenes, scenes
from data_pipelines.moving_mnist.rendering import Renderer

MOTIONS = ("stochastic", "deterministic")
# Paths of so many clips are drawn at a time: enough that the cost of calling operations vanishes.
_CLIPS_PER_DRAW = 1024


class MovingMNIST:
    """The corpus of stochastic and deterministic Moving MNIST; implements `Corpus`.

    Training clips show MNIST's training digits, 95 % of them; validation clips the other 5 %; test
    videos MNIST's test digits. Training and validation clips obey the authors' rules exactly, made
    by TensorFlow operations, test videos repeat the authors' procedure bit for bit.
    """

    channels = 1

    def __init__(
        self,
        *,
        digits_source: str = "embedded",
        digits_dir: str | os.PathLike | None = None,
        motion: str = "stochastic",
        num_digits: int = 2,
        max_speed: int = 4,
        frame_size: int = 64,
        test_file: str | os.PathLike | None = None,
    ):
        """Check the options and load the digits.

        Args:
            digits_source: "embedded" (10,000 digits of the package), "idx" or "tfds" (all 70,000).
            digits_dir: where "idx" and "tfds" find them.
            motion: "stochastic": a border returns a digit with a newly drawn velocity;
                "deterministic": as a mirror does.
            num_digits: digits in a clip.
            max_speed: velocities' components are drawn from -max_speed..max_speed pixels a frame.
            frame_size: height and width of a frame in pixels, more than a digit's 28.
            test_file: the authors' preprocessed test videos; None generates them.

        Raises:
            DataError: for an option or file that cannot be used.
        """
        require_one_of("motion", motion, MOTIONS)
        require_at_least("num_digits", num_digits, 1)
        require_at_least("max_speed", max_speed, 0)
        require_at_least("frame_size", frame_size, DIGIT_SIZE + 1)
        self.frame_size = frame_size
        self._rules = Rules(
            num_digits, frame_size, DIGIT_SIZE, max_speed, motion == "deterministic"
        )
        self._test_file = test_set.TestFile(test_file) if test_file else None
        if self._test_file and self._test_file.frame_size != frame_size:
            raise DataError(
                f"test_file {test_file} has frames of {self._test_file.frame_size} pixels but "
                f"frame_size is {frame_size}; make them equal."
            )
        self._digits = load_digits(digits_source, digits_dir)
        self._training, self._validation = split_train_validation(len(self._digits.train))
        if min(len(self._validation), len(self._digits.test) // num_digits) < 1:
            raise DataError(
                f"digits_source {digits_source!r} has {len(self._digits.train)} training and "
                f"{len(self._digits.test)} test digits, too few; use 'embedded'."
            )

    @property
    def num_test_videos(self) -> int:
        """5,000 of two digits with all of MNIST's test digits, 1,000 with the embedded ones."""
        if self._test_file:
            return self._test_file.num_videos
        return len(self._digits.test) // self._rules.num_digits

    def training_batches(
        self,
        *,
        length: int,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """Endless batches, see `Corpus.training_batches`; a longer clip begins as a shorter one."""
        require_at_least("first_step", first_step, 0)
        rows = shard_rows(batch_size, shard)
        key = stream_key(seed, "moving_mnist", "train")
        return self._batches(self._training_renderer, key, length, batch_size, rows, first_step)

    def validation_batches(
        self, *, length: int, batch_size: int, num_batches: int, seed: int, draw: int = 0
    ) -> tf.data.Dataset:
        """Batches of clips of the validation digits, see `Corpus.validation_batches`."""
        require_at_least("num_batches", num_batches, 1)
        rows = shard_rows(batch_size, (0, 1))
        key = stream_key(seed, "moving_mnist", "validation", draw)
        batches = self._batches(self._validation_renderer, key, length, batch_size, rows, 0)
        return batches.take(num_batches)

    def test_videos(self, *, length: int, num_videos: int | None = None) -> tf.data.Dataset:
        """The official test videos, see `Corpus.test_videos`; made one by one as they are read.

        Generated videos of another length are other videos (see `test_set.official_videos`).
        """
        require_at_least("length", length, 1)
        if self._test_file and length > self._test_file.length:
            raise DataError(
                f"length is {length} but test_file's videos have {self._test_file.length} frames; "
                "ask for fewer or generate them (no test_file)."
            )
        num_videos = self.num_test_videos if num_videos is None else num_videos
        require_at_least("num_videos", num_videos, 1)
        if num_videos > self.num_test_videos:
            raise DataError(
                f"num_videos is {num_videos} but there are {self.num_test_videos} test videos; "
                "ask for fewer, or use all of MNIST (digits_source 'idx' or 'tfds')."
            )
        shape = (length, self.frame_size, self.frame_size, 1)
        videos = tf.data.Dataset.from_generator(
            lambda: (video[..., np.newaxis] for video in self._test_videos(length)),
            output_signature=tf.TensorSpec(shape, tf.uint8),
        )
        videos = videos.take(num_videos).apply(tf.data.experimental.assert_cardinality(num_videos))
        return videos.prefetch(tf.data.AUTOTUNE)

    def _test_videos(self, length: int) -> Iterator[np.ndarray]:
        if self._test_file:
            return self._test_file.videos(length)
        return test_set.official_videos(
            self._digits.test,
            length,
            num_digits=self._rules.num_digits,
            frame_size=self.frame_size,
            max_speed=self._rules.max_speed,
            deterministic=self._rules.deterministic,
        )

    @cached_property
    def _training_renderer(self) -> Renderer:
        return Renderer(self._digits.train[self._training], self.frame_size)

    @cached_property
    def _validation_renderer(self) -> Renderer:
        return Renderer(self._digits.train[self._validation], self.frame_size)

    def _batches(
        self,
        renderer: Renderer,
        key: tf.Tensor,
        length: int,
        batch_size: int,
        rows: range,
        first_step: int,
    ) -> tf.data.Dataset:
        """Endless batches of a stream: paths for several steps at a time, frames step by step."""
        require_at_least("length", length, 1)
        steps = max(1, _CLIPS_PER_DRAW // len(rows))

        # These are graphs already; rewriting their Python would only slow the start.
        @tf.autograph.experimental.do_not_convert
        def draw(first_batch: tf.Tensor) -> Scenes:
            drawn = scenes(
                key,
                ClipRows(first_batch, steps, batch_size, rows),
                length,
                renderer.num_pictures,
                self._rules,
            )
            return Scenes(*(tf.reshape(x, (steps, len(rows), *x.shape[1:])) for x in drawn))

        @tf.autograph.experimental.do_not_convert
        def render(scene: Scenes) -> tf.Tensor:
            return renderer(scene.pictures, scene.corners)

        batches = (
            tf.data.Dataset.counter(first_step, steps)
            .map(draw, num_parallel_calls=tf.data.AUTOTUNE)
            .unbatch()
            .map(render, num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
        )
        options = tf.data.Options()
        # Sharding is an argument here; TensorFlow's own would drop or repeat steps.
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        return batches.with_options(options)
