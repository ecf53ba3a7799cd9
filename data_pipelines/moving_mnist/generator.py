"""Moving MNIST: digits that bounce in a square, generated without end while training runs."""

import os

import numpy as np
import tensorflow as tf

from data_pipelines.corpus import AddressedCorpus, Reader
from data_pipelines.errors import DataError, require_at_least, require_one_of
from data_pipelines.moving_mnist.digits import DIGIT_SIZE, load_digits, split_train_validation
from data_pipelines.moving_mnist.draws import ClipRows, stream_key
from data_pipelines.moving_mnist.motion import Rules, Scenes, scenes
from data_pipelines.moving_mnist.rendering import Renderer
from data_pipelines.moving_mnist.test_set import TestFile, official_videos

MOTIONS = ("stochastic", "deterministic")
# Paths of so many clips are drawn at a time: enough that the cost of calling operations vanishes.
_CLIPS_PER_DRAW = 1024


class MovingMNIST(AddressedCorpus):
    """The corpus of stochastic and deterministic Moving MNIST; implements `Corpus`.

    Training clips show MNIST's training digits, 95 % of them; validation clips the other 5 %; test
    videos MNIST's test digits. Training and validation clips obey the authors' rules exactly, made
    by TensorFlow operations; a longer clip begins as a shorter one. Test videos repeat the authors'
    procedure bit for bit; those of another length are other videos.
    """

    dataset = "moving_mnist"
    channels = 1
    more_test_videos = ", or use all of MNIST (digits_source 'idx' or 'tfds')"

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
        self._test_file = TestFile(test_file) if test_file else None
        if self._test_file and self._test_file.frame_size != frame_size:
            raise DataError(
                f"test_file {test_file} has frames of {self._test_file.frame_size} pixels but "
                f"frame_size is {frame_size}; make them equal."
            )
        self._digits = load_digits(digits_source, digits_dir)
        training, validation = split_train_validation(len(self._digits.train))
        self._parts = {"train": training, "validation": validation}
        if min(len(validation), len(self._digits.test) // num_digits) < 1:
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

    def _test_reader(self, length: int, num_videos: int | None) -> tuple[int, Reader]:
        theirs = self._test_file
        if theirs and length > theirs.length:
            raise DataError(
                f"length is {length} but test_file's videos have {theirs.length} frames; "
                "ask for fewer or generate them (no test_file)."
            )

        options = self._rules._asdict()
        del options["digit_size"]

        def read():
            if theirs:
                videos = theirs.videos(length)
            else:
                videos = official_videos(self._digits.test, length, **options)
            return (video[..., np.newaxis] for video in videos)

        return num_videos or self.num_test_videos, read

    def _batches(
        self, part: str, address: tuple[int | str, ...], length: int, clips: ClipRows
    ) -> tf.data.Dataset:
        """Paths are drawn for several steps at a time, frames step by step."""
        key = stream_key(*address)
        renderer = Renderer(self._digits.train[self._parts[part]], self.frame_size)
        steps = max(1, _CLIPS_PER_DRAW // clips.count)

        # These are graphs already; rewriting their Python would only slow the start.
        @tf.autograph.experimental.do_not_convert
        def draw(first_batch: tf.Tensor) -> Scenes:
            several = clips._replace(first_batch=first_batch, num_batches=steps)
            drawn = scenes(key, several, length, renderer.num_pictures, self._rules)
            return Scenes(*(tf.reshape(x, (steps, clips.count, *x.shape[1:])) for x in drawn))

        @tf.autograph.experimental.do_not_convert
        def render(scene: Scenes) -> tf.Tensor:
            return renderer(scene.pictures, scene.corners)

        return (
            tf.data.Dataset.counter(clips.first_batch, steps)
            .map(draw, num_parallel_calls=tf.data.AUTOTUNE)
            .unbatch()
            .map(render, num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
        )
