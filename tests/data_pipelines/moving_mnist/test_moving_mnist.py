"""The Moving MNIST corpus: what its batches show, their addresses, its test set, bad options."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data_pipelines import Corpus, DataError, MovingMNIST, open_corpus
from data_pipelines.moving_mnist import test_set
from data_pipelines.moving_mnist.digits import load_digits, split_train_validation
from data_pipelines.moving_mnist.rendering import Renderer
from data_pipelines.moving_mnist.trajectories import render_digits

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "moving_mnist.npz"


@pytest.fixture(scope="module")
def corpus():
    return open_corpus("moving_mnist")


def steps(dataset, count):
    return np.stack(list(dataset.take(count).as_numpy_iterator()))


def train(corpus, *, count=2, length=5, batch_size=8, seed=1, **options):
    batches = corpus.training_batches(length=length, batch_size=batch_size, seed=seed, **options)
    return steps(batches, count)


def test_it_is_a_corpus(corpus):
    assert isinstance(corpus, Corpus)
    assert (corpus.channels, corpus.frame_size, corpus.num_test_videos) == (1, 64, 1000)


@pytest.mark.parametrize("frame_size, num_digits", [(64, 3), (32, 1)])
def test_frames_equal_the_reference_rendering_up_to_the_corners(frame_size, num_digits):
    digits, rng = load_digits().train[:50], np.random.default_rng(0)
    pictures = rng.integers(0, 50, (20, num_digits)).astype(np.int32)
    places = np.array([0, 1, frame_size // 2 - 14, frame_size - 28], np.int32)
    corners = rng.choice(places, (20, 6, num_digits, 2))
    made = Renderer(digits, frame_size)(tf.constant(pictures), tf.constant(corners)).numpy()
    assert made.shape == (20, 6, frame_size, frame_size, 1)
    for video, shown, paths in zip(made, pictures, corners, strict=True):
        expected = render_digits(digits[shown], paths.transpose(1, 0, 2), frame_size)
        np.testing.assert_array_equal(video[..., 0], expected)
    if num_digits > 1:
        assert (made == 255).any(), "no overlap was clipped: the test saw too little"


def test_overlapping_digits_are_clipped_at_255():
    digits = np.full((2, 1, 1), 200, np.uint8)
    paths = np.array([[[0, 0], [0, 0]], [[0, 0], [0, 1]]])
    expected = [[[255, 0], [0, 0]], [[200, 200], [0, 0]]]
    np.testing.assert_array_equal(render_digits(digits, paths, frame_size=2), expected)


def test_batches_have_complete_static_shapes(corpus):
    spec = corpus.training_batches(length=5, batch_size=8, seed=1, shard=(1, 4)).element_spec
    assert spec == tf.TensorSpec((2, 5, 64, 64, 1), tf.uint8)
    spec = corpus.test_videos(length=5).element_spec
    assert spec == tf.TensorSpec((5, 64, 64, 1), tf.uint8)


def test_a_clip_depends_on_its_seed_and_global_index_alone(corpus):
    together = train(corpus, count=6).reshape(-1, 5, 64, 64, 1)
    larger = train(corpus, count=2, batch_size=24).reshape(together.shape)
    np.testing.assert_array_equal(larger, together)
    shards = [train(corpus, count=6, shard=(i, 2)) for i in range(2)]
    np.testing.assert_array_equal(np.concatenate(shards, 1).reshape(together.shape), together)
    longer = train(corpus, count=6, length=7).reshape(-1, 7, 64, 64, 1)
    np.testing.assert_array_equal(longer[:, :5], together)
    assert not np.array_equal(train(corpus, count=6, seed=2).reshape(together.shape), together)
    assert len({clip.tobytes() for clip in together}) == len(together)


def test_resuming_continues_across_draws_of_paths(corpus):
    # 1,024 clips' paths are drawn at a time, from the first step on: 4 steps of 256.
    whole = train(corpus, count=7, batch_size=256, length=2)
    resumed = train(corpus, count=4, batch_size=256, length=2, first_step=3)
    np.testing.assert_array_equal(resumed, whole[3:])


def test_clips_show_digits_of_their_own_part():
    digits = load_digits()
    folds = split_train_validation(len(digits.train))
    train_digits, validation_digits = (
        {image.tobytes() for image in digits.train[fold]} for fold in folds
    )
    alone = MovingMNIST(num_digits=1)
    options = {"length": 1, "batch_size": 512, "seed": 0}
    for batches, part in [
        (alone.training_batches(**options), train_digits),
        (alone.validation_batches(**options, num_batches=1), validation_digits),
    ]:
        tight = {tight_bytes(np.frombuffer(image, np.uint8).reshape(28, 28)) for image in part}
        shown = [tight_bytes(frame) for frame in steps(batches, 1)[0, :, 0, :, :, 0]]
        assert set(shown) <= tight
        assert len(set(shown)) > 200


def tight_bytes(image):
    """A picture without its empty margins, as something that compares wherever it stands."""
    rows, columns = np.nonzero(image)
    cut = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return cut.shape, cut.tobytes()


def test_validation_is_drawn_anew_for_each_draw(corpus):
    def draw(number):
        options = {"length": 4, "batch_size": 6, "num_batches": 3, "seed": 1, "draw": number}
        return steps(corpus.validation_batches(**options), 4)

    first = draw(0)
    assert first.shape == (3, 6, 4, 64, 64, 1)
    np.testing.assert_array_equal(draw(0), first)
    assert not np.array_equal(draw(1), first)
    assert not np.array_equal(first, train(corpus, count=3, length=4, batch_size=6))


@pytest.mark.parametrize("motion", ["stochastic", "deterministic"])
def test_test_videos_follow_the_official_procedure(motion):
    corpus = MovingMNIST(motion=motion)
    videos = steps(corpus.test_videos(length=12, num_videos=5), 10)
    digits = load_digits().test
    expected = test_set.official_videos(digits, 12, deterministic=motion == "deterministic")
    assert videos.shape == (5, 12, 64, 64, 1)
    for video in videos[..., 0]:
        np.testing.assert_array_equal(video, next(expected))
    assert corpus.test_videos(length=12).cardinality() == 1000


def test_the_official_videos_are_those_of_the_authors_seed():
    with np.load(GOLDEN) as golden:  # tests/golden compares all else that is in it
        made = list(test_set.official_videos(golden["digits"], length=25))
        np.testing.assert_array_equal(made, golden["test_set/videos"])


def test_the_authors_test_file_is_read_in_its_order(tmp_path):
    sequences = np.random.RandomState(0).randint(256, size=(6, 3, 64, 64)).astype(np.uint8)
    path = tmp_path / "smmnist_test_2digits_64.npz"
    np.savez_compressed(path, sequences=sequences)
    corpus = MovingMNIST(test_file=path)
    assert corpus.num_test_videos == 3
    videos = steps(corpus.test_videos(length=4), 3)
    np.testing.assert_array_equal(videos[..., 0], sequences[:4].swapaxes(0, 1))
    with pytest.raises(DataError, match="length is 7 but test_file's videos have 6 frames"):
        corpus.test_videos(length=7)
    with pytest.raises(DataError, match="frame_size is 32"):
        MovingMNIST(test_file=path, frame_size=32)


@pytest.mark.parametrize(
    "save",
    [
        lambda path: None,  # it is missing
        lambda path: path.write_bytes(b"no zip"),
        lambda path: np.savez(path, videos=np.zeros((2, 2, 64, 64), np.uint8)),
        lambda path: np.savez(path, sequences=np.zeros((2, 2, 64, 64), np.float32)),
        lambda path: np.savez(path, sequences=np.zeros((2, 64, 64), np.uint8)),
        lambda path: np.savez(path, sequences=np.array([None])),
    ],
)
def test_a_bad_test_file_is_named_in_one_line(tmp_path, save):
    path = tmp_path / "bad.npz"
    save(path)
    with pytest.raises(DataError, match="bad.npz") as caught:
        MovingMNIST(test_file=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"name": "moving_emnist"}, "choose one of: moving_mnist"),
        ({"speed": 4}, "no option 'speed'; it has: digits_source, digits_dir, motion"),
        ({"motion": "random"}, "choose one of: stochastic, deterministic"),
        ({"frame_size": 28}, "frame_size is 28; give an integer of at least 29"),
        ({"num_digits": 0}, "num_digits is 0"),
        ({"max_speed": 4.5}, "max_speed is 4.5"),
        ({"num_digits": 2001}, "too few"),
    ],
)
def test_bad_options_say_the_way_out(options, says):
    with pytest.raises(DataError, match=says):
        open_corpus(**options)


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"length": 0}, "length is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"first_step": -1}, "first_step is -1"),
        ({"shard": (2, 2)}, r"shard is \(2, 2\)"),
        ({"shard": (0, 3)}, "batch_size 8 cannot be split over 3 shards"),
    ],
)
def test_bad_arguments_say_the_way_out(corpus, arguments, says):
    with pytest.raises(DataError, match=says):
        train(corpus, **arguments)
    with pytest.raises(DataError, match="there are 1000 test videos"):
        corpus.test_videos(length=3, num_videos=1001)
