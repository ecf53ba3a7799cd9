"""Clips of prepared corpora: their law, their addresses, and the official test sets."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from data_pipelines import Corpus, DataError, open_corpus
from data_pipelines.corpora.bair import Bair
from data_pipelines.corpora.human36m import Human36m
from data_pipelines.corpora.kth import Kth
from data_pipelines.corpora.sources import Video
from data_pipelines.storage.record_files import map_videos
from data_pipelines.storage.stored_videos import StoredVideos
from tests.corpora.kth import ACTIONS, make_kth
from tests.data_pipelines.corpora.corpus_files import prepared, stored, write_bair
from tests.data_pipelines.readers.test_video_files import clip, encode

SHAPE = (4, 4, 1)


def counted(lengths, names=None):
    """Videos whose pixels say where they are: frame t of video v is v, v, ... t, t."""
    videos = []
    for v, length in enumerate(lengths):
        frames = np.zeros((length, *SHAPE), np.uint8)
        frames[:, :2], frames[:, 2:] = v, np.arange(length)[:, None, None, None]
        videos.append(Video(names[v] if names else str(v), frames))
    return StoredVideos(videos, SHAPE)


class Counted(Kth):
    """A corpus of such videos, without files."""

    def __init__(self, lengths, stride=1, epochs=False):
        self.stride, self.epochs, self._told = stride, epochs, set()
        self.parts = dict.fromkeys(("train", "validation", "test"), counted(lengths))


def addresses(dataset, count):
    """(video, start, steps between frames) of each clip of some batches, int [count * B, 3]."""
    clips = np.concatenate(list(dataset.take(count).as_numpy_iterator())).astype(int)
    assert (clips[:, :, :2] == clips[:, :1, :1, :1]).all()
    steps = np.diff(clips[:, :, 3, 0, 0], axis=1)
    assert (steps == steps[:1, :1]).all()
    return np.stack([clips[:, 0, 0, 0, 0], clips[:, 0, 3, 0, 0], steps[:, 0]], axis=1)


def drawn(corpus, *, count=1, length=4, batch_size=8, seed=3, **options):
    batches = corpus.training_batches(length=length, batch_size=batch_size, seed=seed, **options)
    return addresses(batches, count)


# --- the law of clips ----------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [1, 3])
def test_videos_are_uniform_then_starts_are(stride):
    lengths = [12, 30, 13, 60]
    clips = drawn(Counted(lengths, stride), count=10, batch_size=2000, length=4)
    assert (clips[:, 2] == stride).all()
    assert stats.chisquare(np.bincount(clips[:, 0], minlength=4)).pvalue > 1e-3
    for video, length in enumerate(lengths):
        starts = clips[clips[:, 0] == video, 1]
        counts = np.bincount(starts)
        assert len(counts) == length - 3 * stride, "the last start is drawn, none after it"
        assert stats.chisquare(counts).pvalue > 1e-3


def test_epochs_give_every_video_once_each_in_a_new_order_with_random_starts():
    corpus = Counted([20] * 7, epochs=True)
    clips = drawn(corpus, count=2100, batch_size=5)
    epochs = clips[:, 0].reshape(1500, 7)
    assert (np.sort(epochs, axis=1) == np.arange(7)).all()
    # Each place of the order is any video, and so is what follows a given one.
    for place in range(7):
        assert stats.chisquare(np.bincount(epochs[:, place])).pvalue > 1e-3
    assert stats.chisquare(np.bincount(epochs[epochs[:, 0] == 0][:, 1])[1:]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(clips[:, 1])).pvalue > 1e-3
    # More clips in a batch than there are videos.
    np.testing.assert_array_equal(drawn(corpus, count=100, batch_size=105), clips)


@pytest.mark.parametrize("epochs", [False, True])
def test_a_clip_depends_on_its_seed_and_global_index_alone(epochs):
    corpus = Counted([20] * 9, epochs=epochs)
    whole = drawn(corpus, count=12)
    np.testing.assert_array_equal(drawn(corpus, count=4, batch_size=24), whole)
    np.testing.assert_array_equal(drawn(corpus, count=5, first_step=7), whole[56:])
    halves = [drawn(corpus, count=12, shard=(i, 2)).reshape(12, 4, 3) for i in range(2)]
    np.testing.assert_array_equal(np.concatenate(halves, 1).reshape(-1, 3), whole)
    assert not np.array_equal(drawn(corpus, count=12, seed=4), whole)
    validation = corpus.validation_batches(length=4, batch_size=8, num_batches=12, seed=3)
    assert not np.array_equal(addresses(validation, 12), whole)
    other = corpus.validation_batches(length=4, batch_size=8, num_batches=12, seed=3, draw=1)
    assert not np.array_equal(addresses(other, 12), addresses(validation, 12))


def test_short_videos_are_skipped_and_counted_once_in_a_warning(caplog):
    corpus = Counted([3, 9, 2, 9])
    assert set(drawn(corpus, count=20)[:, 0]) == {1, 3}
    drawn(corpus)
    assert caplog.messages == [
        "kth: 2 of 4 train videos are skipped: they have fewer frames than the 4 of a clip"
    ]
    with pytest.raises(DataError, match="the longest train video has 9 frames, a clip needs 10"):
        corpus.training_batches(length=10, batch_size=2, seed=0)


# --- the official test sets ----------------------------------------------------------------------


def kth_test_videos(rng, without=()):
    names = [f"{a}/person{p}_{a}_d{d}" for a in ACTIONS for p in range(21, 26) for d in range(1, 5)]
    names = [name for name in names if name not in without]
    return counted(rng.integers(60, 90, len(names)), names)


@pytest.mark.parametrize("length", [40, 25])
def test_kths_official_draws(length, caplog):
    videos = kth_test_videos(np.random.default_rng(0))
    found = Counted([50]).test_clips(videos, length)
    by_name = dict(zip(videos.names, videos.lengths, strict=True))
    np.random.seed(42)
    expected = []
    for _ in range(1000):
        action = ACTIONS[np.random.randint(6)]
        person = np.random.randint(21, 26)
        name = f"{action}/person{person:02d}_{action}_d{np.random.randint(1, 5)}"
        expected.append((name, np.random.randint(by_name[name] - 40 + 1)))
    assert [(videos.names[video], start) for video, start in found] == expected
    assert not caplog.messages


def test_kth_without_some_videos_says_that_it_is_not_official(caplog):
    videos = kth_test_videos(np.random.default_rng(0), without=["running/person22_running_d3"])
    clips = Counted([50]).test_clips(videos, 40)
    assert len(clips) == 1000
    assert all(start + 40 <= videos.lengths[video] for video, start in clips)
    (message,) = caplog.messages
    assert "not the official one: 1 of its 120 videos are missing" in message


def test_human36ms_official_draws():
    names = [f"S{s}-{a}.{c}" for s in (9, 11) for a in ("Posing", "Walking 1") for c in (54, 60)]
    lengths = np.random.default_rng(1).integers(417, 600, len(names))
    videos = counted(lengths, names)
    corpus = Human36m.__new__(Human36m)
    found = corpus.test_clips(videos, 53)
    files = sorted(f"{name}.npz" for name in names)
    assert files[0].startswith("S11")
    np.random.seed(42)
    for video, start in found:
        name = files[np.random.randint(len(files))]
        assert videos.names[video] == name[:-4]
        assert start == np.random.randint(videos.lengths[video] - (52 * 8 + 1) + 1)
    assert len(found) == 1000


def test_bairs_test_set_is_every_video_from_its_start(tmp_path, caplog):
    written = write_bair(tmp_path / "raw", {"train/a": 20, "test/a": 3}, count=8)
    prepared("bair", tmp_path / "raw", tmp_path / "prepared")
    corpus = open_corpus("bair", data_dir=tmp_path / "prepared")
    assert isinstance(corpus, Bair) and isinstance(corpus, Corpus)
    videos = np.stack(list(corpus.test_videos(length=6).as_numpy_iterator()))
    np.testing.assert_array_equal(videos, written["test/a"][:, :6])
    assert "it has 3 videos, not 256" in caplog.messages[0]
    with pytest.raises(DataError, match="a test clip needs 9 frames, there are 8"):
        corpus.test_videos(length=9)
    # 95 % train, in their order, by the authors' shuffle.
    order = np.arange(20)
    np.random.RandomState(42).shuffle(order)
    train_videos = written["train/a"][np.sort(order[:19])]
    clips = corpus.parts["train"].clips(np.arange(19), np.zeros(19, int), 8, 1)
    np.testing.assert_array_equal(clips, train_videos)
    (validation,) = corpus.parts["validation"].clips([0], [0], 8, 1)
    np.testing.assert_array_equal(validation, written["train/a"][order[19]])
    # An epoch of whole videos is all of them.
    (batch,) = corpus.training_batches(length=8, batch_size=19, seed=0).take(1).as_numpy_iterator()
    assert {video.tobytes() for video in batch} == {video.tobytes() for video in train_videos}


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kth_dir(tmp_path_factory):
    source, data_dir = tmp_path_factory.mktemp("kth"), tmp_path_factory.mktemp("prepared")
    make_kth(source, persons=(1, 2, 3, 4, 21, 22), num_frames=42)
    prepared("kth", source, data_dir, frame_size=32)
    return data_dir


def test_mapped_frames_are_those_that_tfds_reads(kth_dir):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(kth_dir / "kth/32/1.0.0")
    for part in ("train", "test"):
        expected = stored(builder, part)
        videos = [
            v for path in builder.info.splits[part].filepaths for v in map_videos(path, (32, 32, 1))
        ]
        assert [video.name for video in videos] == list(expected)
        for video in videos:
            np.testing.assert_array_equal(video.frames, expected[video.name])
            assert not video.frames.flags.writeable


def test_a_damaged_preparation_is_named(kth_dir, tmp_path):
    path = next((kth_dir / "kth/32/1.0.0").glob("*test.tfrecord*"))
    for number, data in enumerate((path.read_bytes()[:-1], b"no records", b"")):
        damaged = tmp_path / f"{number}.tfrecord"
        damaged.write_bytes(data)
        with pytest.raises(DataError, match=f"{number}.tfrecord: .*; prepare the corpus anew"):
            map_videos(damaged, (32, 32, 1))


def test_a_missing_preparation_says_what_there_is(kth_dir, tmp_path):
    with pytest.raises(DataError, match=r"frames of 64 pixels; prepare it so .*\[32, 32, 1\]"):
        open_corpus("kth", data_dir=kth_dir)
    with pytest.raises(DataError, match="data_pipelines.prepare --dataset=bair"):
        open_corpus("bair", data_dir=kth_dir)
    with pytest.raises(DataError, match="is no folder"):
        open_corpus("kth", data_dir=tmp_path / "none")
    with pytest.raises(DataError, match="holds kth, not bair"):
        open_corpus("bair", data_dir=kth_dir / "kth/32/1.0.0", frame_size=32)
    by_folder = open_corpus("kth", data_dir=kth_dir / "kth/32/1.0.0", frame_size=32)
    assert by_folder.num_test_videos == 1000


def test_kths_test_file_of_the_authors_comes_first(kth_dir, tmp_path, caplog):
    theirs = np.random.default_rng(0).integers(0, 256, (3, 40, 32, 32), np.uint8)
    corpus = open_corpus("kth", data_dir=kth_dir, frame_size=32)
    corpus.data_dir = tmp_path
    np.savez(tmp_path / "svg_test_set_40.npz", sequences=theirs)
    videos = np.stack(list(corpus.test_videos(length=7, num_videos=3).as_numpy_iterator()))
    np.testing.assert_array_equal(videos[..., 0], theirs[:, :7])
    assert "svg_test_set_40.npz" in caplog.messages[0]
    for arrays, says in (
        ({"sequences": theirs[..., :16]}, r"has frames \[32, 16, 1\], .* \[32, 32, 1\]"),
        ({"sequences": theirs[:, :6]}, "has videos of 6 frames, 7 are asked for"),
        ({"sequences": theirs[:2]}, "holds 2 videos, not 3"),
        ({"sequences": theirs[0]}, "expected uint8 of rank 4"),
        ({"videos": theirs}, "no .npz file with an array 'sequences'"),
    ):
        np.savez(tmp_path / "svg_test_set_40.npz", **arrays)
        with pytest.raises(DataError, match=rf"svg_test_set_40.npz: .*{says}"):
            corpus.test_videos(length=7, num_videos=3)


def test_human36ms_test_files_of_the_authors(tmp_path):
    folder = tmp_path / "test_set_53_8"
    folder.mkdir()
    images = np.random.default_rng(1).integers(0, 256, (2, 417, 8, 8, 3), np.uint8)
    for number, image in enumerate(images):
        np.savez(folder / f"test_{number}.npz", image=image)
    human = Human36m.authors_test_set
    np.testing.assert_array_equal(list(human.videos(human.find(tmp_path), 53)), images[:, ::8])
    human.require(folder, 2, 53, (8, 8, 3))
    for shape, length, says in (
        ((16, 16, 3), 53, r"frames \[8, 8, 3\], the prepared videos \[16, 16, 3\]"),
        ((8, 8, 3), 54, "videos of 53 frames, 54 are asked for"),
    ):
        with pytest.raises(DataError, match=rf"test_0.npz: has {says}"):
            human.require(folder, 2, length, shape)
    (folder / "test_0.npz").rename(folder / "test_7.npz")
    with pytest.raises(DataError, match="test_0.npz: is no .npz file"):
        human.require(folder, 2, 53, (8, 8, 3))


def test_a_folder_of_videos_is_tested_on_every_video_in_turn(tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        (tmp_path / "raw" / part).mkdir(parents=True)
        for seed in range(count):
            frames = clip(30 + seed, seed=10 * count + seed)
            encode(tmp_path / "raw" / part / f"{seed}.mkv", frames)
    builder = prepared("video_folder", tmp_path / "raw", tmp_path / "prepared", frame_size=32)
    corpus = open_corpus("video_folder", data_dir=tmp_path / "prepared", frame_size=32, channels=3)
    found = list(corpus.test_videos(length=20).as_numpy_iterator())
    truth, rng = list(stored(builder, "test").values()), np.random.RandomState(42)
    # 30 and 31 frames have 11 and 12 clips of 20, each taken once.
    assert len(found) == corpus.num_test_videos == 23
    starts = [rng.permutation(11), rng.permutation(12)]
    for number, video in enumerate(found):
        which, turn = (number % 2, number // 2) if number < 22 else (1, 11)
        start = starts[which][turn]
        np.testing.assert_array_equal(video, truth[which][start : start + 20])
    # Shorter clips begin alike; of longer ones there are fewer.
    shorter = list(corpus.test_videos(length=5).as_numpy_iterator())
    np.testing.assert_array_equal(shorter, [video[:5] for video in found])
    assert len(list(corpus.test_videos(length=30, num_videos=3))) == 3
    assert len(list(corpus.test_videos(length=30))) == 3
    with pytest.raises(DataError, match="there are 3 different test clips of 30 frames, not 23"):
        corpus.test_videos(length=30, num_videos=23)


def test_no_dataset_is_distributed_by_tensorflow(kth_dir):
    corpus = open_corpus("kth", data_dir=kth_dir, frame_size=32)
    batches = corpus.training_batches(length=5, batch_size=8, seed=1, shard=(1, 4))
    assert batches.element_spec == tf.TensorSpec((2, 5, 32, 32, 1), tf.uint8)
    policy = batches.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF
