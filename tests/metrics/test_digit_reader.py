"""The metric "identity": which digits a frame shows, and whether they are still the video's."""

import numpy as np
import pytest

from data_pipelines.moving_mnist.digits import EMBEDDED_FILE
from data_pipelines.moving_mnist.generator import MovingMNIST
from srvp_tf.metrics.digit_reader import identity, load_digit_reader

LENGTH = 12


@pytest.fixture(scope="module")
def reader():
    return load_digit_reader()


@pytest.fixture(scope="module")
def videos():
    """The first test videos of two digits, float32 [24, 12, 64, 64, 1], and their digits."""
    corpus = MovingMNIST(motion="deterministic")
    shown = corpus.test_videos(length=LENGTH, num_videos=24)
    return np.stack(list(shown.as_numpy_iterator())).astype(np.float32) / 255


def test_it_reads_the_package_s_test_digits(reader):
    with np.load(EMBEDDED_FILE) as arrays:
        digits, labels = arrays["test"][:500], arrays["test_labels"][:500]
    frames = np.zeros((len(digits), 64, 64, 1), np.float32)
    rng = np.random.default_rng(0)
    for frame, digit in zip(frames, digits, strict=True):
        row, column = rng.integers(0, 37, 2)
        frame[row : row + 28, column : column + 28, 0] = digit / 255
    counts = reader(frames).numpy().argmax(-1)
    expected = np.eye(10, dtype=int)[labels]
    assert (counts == expected).all(-1).mean() > 0.97


def test_a_video_keeps_its_digits_and_another_has_others(reader, videos):
    own = identity(reader, videos, videos).numpy()
    assert own.shape == (24, LENGTH) and set(np.unique(own)) <= {0.0, 1.0}
    # The video's digits cannot be read from every frame: they overlap.
    assert own.mean() > 0.75
    other = identity(reader, videos, np.roll(videos, 1, axis=0)).numpy()
    assert other.mean() < 0.1
    assert identity(reader, videos, np.zeros_like(videos)).numpy().max() == 0


def test_samples_are_read_as_each_alone(reader, videos):
    samples = np.stack([videos, videos[:, ::-1], 0.5 * videos], axis=1)[:4]
    together = identity(reader, videos[:4, None], samples).numpy()
    assert together.shape == (4, 3, LENGTH)
    for i in range(3):
        np.testing.assert_array_equal(
            together[:, i], identity(reader, videos[:4], samples[:, i]).numpy()
        )


def test_colour_is_read_as_its_mean(reader, videos):
    colour = np.repeat(videos[:2], 3, axis=-1)
    np.testing.assert_array_equal(
        identity(reader, colour, colour), identity(reader, videos[:2], videos[:2])
    )
