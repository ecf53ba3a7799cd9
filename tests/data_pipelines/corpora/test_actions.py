"""Actions from files to batches: each row is of the interval between the frames it is given with.

Frame t of a video is a block of colour that t and the video alone decide, and an action is computed
from the two: pixels say what the actions must be.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from data_pipelines import DataError, inspect, open_corpus
from data_pipelines import prepare as command
from data_pipelines.corpora.authors_test_files import SequencesFile
from data_pipelines.corpora.builders import video_folder
from data_pipelines.corpora.builders.bair import BairRecords
from data_pipelines.corpora.preparation import make_builder
from data_pipelines.corpora.sources import Video, fingerprint, layout_fingerprint
from data_pipelines.storage.record_files import map_videos
from data_pipelines.storage.shard_files import Shard, serialize, write_shard
from tests.corpora.arm import push_cubes
from tests.corpora.bair import record
from tests.data_pipelines.commands import outcome
from tests.data_pipelines.corpora.corpus_files import bair_record, prepared, write_bair
from tests.data_pipelines.readers.test_video_files import encode, save_images

SIZE = 16
NAMES = ("dx", "dy")
COUNTS = (30, 31, 32, 33, 34, 35, 36)


def frames_of(video, count=None):
    """Colours: red is the time, green the video."""
    frames = np.zeros((count or COUNTS[video], SIZE, SIZE, 3), np.uint8)
    frames[..., 0] = np.arange(len(frames))[:, None, None]
    frames[..., 1] = video
    return frames


def action(video, time, column):
    """Of the interval from `time` on; whole numbers over 8, exact in float32 and as texts."""
    return np.float32((7 * video + 3 * time + 100 * column) % 64 / 8 - 4)


def rows_of(video, count=None):
    times = np.arange((count or COUNTS[video]) - 1)[:, None]
    return action(video, times, np.arange(2)).astype(np.float32)


def write_table(path, rows, names=NAMES):
    lines = [",".join(names), *(",".join(map(repr, row)) for row in rows.tolist())]
    path.write_text("\n".join(lines) + "\n")


def write_folder(folder, counts=COUNTS):
    for video, count in enumerate(counts):
        path = encode(folder / f"{video}.mkv", frames_of(video, count))
        write_table(path.with_suffix(".actions.csv"), rows_of(video, count))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="module")
def builder(source, tmp_path_factory):
    return prepared("video_folder", source, tmp_path_factory.mktemp("prepared"), frame_size=SIZE)


def examples(builder):
    """{name: (frames, actions)} of all parts, read by TFDS."""
    builder = tfds.builder_from_directory(builder.data_dir)
    return {
        example["name"].decode(): (example["video"], example["actions"])
        for split in builder.info.splits
        for example in builder.as_dataset(split=split).as_numpy_iterator()
    }


def expected_actions(frames, stride=1, how="sum"):
    """By the pixels: [..., T, H, W, C] -> [..., T - 1, A]."""
    times, videos = frames[..., :-1, 0, 0, 0].astype(int), frames[..., :-1, 0, 0, 1].astype(int)
    rows = np.stack([action(videos, stride * times + i, c) for i in range(stride) for c in (0, 1)])
    rows = np.moveaxis(rows, 0, -1).astype(np.float32)
    return rows if how == "stack" else rows.reshape(*rows.shape[:-1], stride, 2).sum(axis=-2)


# --- what is stored ------------------------------------------------------------------------------


def test_tfds_reads_the_rows_of_every_video(builder):
    found = examples(builder)
    assert sorted(found) == [f"{video}.mkv" for video in range(7)]
    for name, (frames, actions) in found.items():
        video = int(name[0])
        np.testing.assert_array_equal(frames, frames_of(video))
        assert actions.dtype == np.float32
        np.testing.assert_array_equal(actions, rows_of(video))
        np.testing.assert_array_equal(actions, expected_actions(frames))
    assert builder.info.features["actions"].shape == (None, 2)


def test_tfds_own_way_stores_them_too(source, tmp_path):
    builder = make_builder("video_folder", tmp_path, SIZE)
    config = tfds.download.DownloadConfig(manual_dir=str(source), max_examples_per_split=2)
    builder.download_and_prepare(download_config=config)
    for name, (_, actions) in examples(builder).items():
        np.testing.assert_array_equal(actions, rows_of(int(name[0])))


def test_the_statistics_are_those_of_the_training_part(source, builder, tmp_path):
    train = tfds.builder_from_directory(builder.data_dir).as_dataset(split="train")
    rows = np.concatenate([x["actions"] for x in train.as_numpy_iterator()]).astype(np.float64)
    assert len(rows) < sum(COUNTS) - len(COUNTS), "the others are held out"
    stored = json.loads(Path(builder.data_dir, "metadata.json").read_text())["actions"]
    assert stored["names"] == list(NAMES)
    np.testing.assert_allclose(stored["mean"], rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stored["scale"], rows.std(axis=0), rtol=1e-12)


def test_a_column_that_never_changes_has_scale_1(tmp_path):
    write_folder(tmp_path / "raw", [20] * 4)
    for video in range(4):
        rows = rows_of(video, 20)
        rows[:, 1] = 0.1
        write_table(tmp_path / f"raw/{video}.actions.csv", rows)
    builder = prepared("video_folder", tmp_path / "raw", tmp_path / "data", frame_size=SIZE)
    statistics = builder.info.metadata["actions"]
    assert statistics["scale"][1] == 1.0 and statistics["scale"][0] > 1.0
    np.testing.assert_allclose(statistics["mean"][1], np.float32(0.1), rtol=1e-7)


@pytest.mark.parametrize("how", ["sum", "stack"])
@pytest.mark.parametrize("stride", [2, 3, 5])
def test_an_interval_of_a_stride_is_all_of_its_rows(source, tmp_path, how, stride):
    arguments = (f"--source_dir={source}", f"--data_dir={tmp_path}", "--frame_size=16")
    options = (f"--frame_stride={stride}", "--min_frames=2", f"--stride_actions={how}")
    dataset = ("--dataset=video_folder", "--workers=1")
    status, out, _ = outcome(command, *dataset, *arguments, *options)
    assert status == 0
    names = NAMES if how == "sum" else [f"{n}@{i}" for i in range(stride) for n in NAMES]
    told = {"sum": "summed", "stack": "side by side"}[how] + f" over {stride} frames\n"
    assert f"actions: {len(names)} columns (dx" in out and told in out
    (info,) = tmp_path.glob("*/*/1.0.0/dataset_info.json")
    assert ("_stack" in str(info)) == (how == "stack")
    builder = tfds.builder_from_directory(info.parent)
    assert builder.info.metadata["actions"]["names"] == list(names)
    for name, (frames, actions) in examples(builder).items():
        video = int(name[0])
        np.testing.assert_array_equal(frames, frames_of(video)[::stride])
        assert len(actions) == len(frames) - 1
        frames = frames.copy()
        frames[..., 0] //= stride
        np.testing.assert_array_equal(actions, expected_actions(frames, stride, how))


def folder_video(path, table, columns=NAMES, **options):
    config = video_folder.VideoFolderConfig(name="", frame_size=SIZE, **options)
    return video_folder.FolderVideo(path, path.stem, config, table, columns)


@pytest.mark.parametrize("how", ["sum", "stack"])
def test_the_state_of_a_stride_is_that_of_its_first_frame(source, tmp_path, how):
    rows, names = np.random.default_rng(0).normal(size=(29, 2)), ("push", "state_x")
    write_table(tmp_path / "t.csv", rows, names)
    options = {"frame_stride": 4, "stride_actions": how}
    video = folder_video(source / "0.mkv", tmp_path / "t.csv", names, **options)
    ((_, _, found),) = video.videos()
    push, state = rows[:28, 0].reshape(7, 4), rows[:28:4, 1]
    expected = [push.sum(axis=1), state]
    if how == "stack":
        expected = [push[:, 0], state, push[:, 1], 0 * state, push[:, 2], 0 * state]
        expected += [push[:, 3], 0 * state]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-6)


@pytest.mark.parametrize(("rows", "fits"), [(26, False), (27, True), (29, True), (30, False)])
def test_rows_of_the_last_partial_stride_may_be_there(source, tmp_path, rows, fits):
    # 30 frames: 0, 3, ... 27 are kept, 9 intervals of 3 rows; 2 more frames follow.
    write_table(tmp_path / "a.csv", rows_of(0, 99)[:rows])
    video = folder_video(source / "0.mkv", tmp_path / "a.csv", frame_stride=3)
    if fits:
        ((_, frames, actions),) = video.videos()
        expected = rows_of(0)[:27].reshape(9, 3, 2).sum(axis=1)
        np.testing.assert_array_equal(actions, expected)
        assert len(frames) == 10
    else:
        with pytest.raises(DataError, match=f"a.csv: has {rows} rows, 29 are needed"):
            list(video.videos())


@pytest.mark.parametrize(("how", "columns"), [("sum", 2), ("stack", 100)])
def test_a_video_shorter_than_a_stride_has_one_frame_and_no_row(source, how, columns):
    options = {"frame_stride": 50, "stride_actions": how}
    video = folder_video(source / "0.mkv", source / "0.actions.csv", **options)
    ((_, frames, actions),) = video.videos()
    assert len(frames) == 1 and actions.shape == (0, columns)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_pieces_of_a_long_video_have_their_own_rows(source, monkeypatch, stride):
    monkeypatch.setattr(video_folder, "_CHUNK_BYTES", 3 * 2 * SIZE**2)
    monkeypatch.setattr(video_folder, "_MAX_BYTES", 3 * 7 * SIZE**2)
    path, options = source / "4.mkv", {"min_frames": 2, "frame_stride": stride}
    pieces = list(folder_video(path, path.with_suffix(".actions.csv"), **options).videos())
    assert len(pieces) > 2
    frames = np.concatenate([piece.frames for piece in pieces])
    np.testing.assert_array_equal(frames, frames_of(4)[::stride])
    for piece in pieces:
        frames = piece.frames.copy()
        frames[..., 0] //= stride
        np.testing.assert_array_equal(piece.actions, expected_actions(frames, stride))
    # A wrong number of rows is told before the first piece.
    other = folder_video(path, source / "6.actions.csv", **options)
    with pytest.raises(DataError, match="has 35 rows, 33 are needed"):
        next(other.videos())


class Given:
    """A source of videos that are given."""

    path = Path("given")

    def __init__(self, *videos):
        self._given = videos

    def videos(self):
        yield from self._given


@pytest.mark.parametrize(
    ("actions", "columns", "says"),
    [
        (None, 2, "has actions None, expected [4, 2]"),
        (np.zeros((5, 2)), 2, "has actions [5, 2], expected [4, 2]"),
        (np.zeros((4, 2)), 0, "has actions [4, 2], expected None"),
        (np.full((4, 2), np.inf), 2, "are no finite numbers"),
    ],
)
def test_what_does_not_fit_the_frames_is_not_written(tmp_path, actions, columns, says):
    frames = np.zeros((5, 4, 4, 1), np.uint8)
    shard = Shard("train", (Given(Video("a", frames, actions)),), 1, columns)
    report = write_shard(shard, tmp_path / "a.tfrecord")
    assert report.lengths == [] and says in report.skipped[0]


def test_videos_of_one_frame_have_no_row(tmp_path):
    videos = [Video(n, np.full((1, 4, 4, 1), 7, np.uint8), np.zeros((0, 2))) for n in "ab"]
    write_shard(Shard("train", (Given(*videos),), 1, 2), tmp_path / "a.tfrecord")
    found = map_videos(tmp_path / "a.tfrecord", (4, 4, 1), 2)
    assert [video.actions.shape for video in found] == [(0, 2)] * 2


def test_without_actions_records_are_as_before(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), np.uint8)
    feature = tf.train.Example.FromString(serialize("a", frames)).features.feature
    assert sorted(feature) == ["name", "video"]
    for video in range(4):
        encode(tmp_path / f"raw/{video}.mkv", frames_of(video, 20))
    builder = prepared("video_folder", tmp_path / "raw", tmp_path / "data", frame_size=SIZE)
    assert sorted(builder.info.features) == ["name", "video"]
    metadata = json.loads(Path(builder.data_dir, "metadata.json").read_text())
    assert sorted(metadata) == ["layout", "remarks", "skipped", "source"]
    corpus = open_corpus("video_folder", data_dir=tmp_path / "data", frame_size=SIZE)
    assert corpus.action_names == () and corpus.action_mean.shape == corpus.action_scale.shape == (
        0,
    )
    with pytest.raises(DataError, match=r"1.0.0: was prepared without actions; prepare videos"):
        open_corpus("video_folder", data_dir=tmp_path / "data", frame_size=SIZE, actions=True)


# --- what is read --------------------------------------------------------------------------------


def test_every_clip_has_the_actions_of_its_own_intervals(builder):
    options = {"data_dir": builder.data_dir, "frame_size": SIZE}
    corpus, plain = (open_corpus("video_folder", actions=a, **options) for a in (True, False))
    size = {"length": 5, "batch_size": 6, "seed": 3}
    for make in (
        lambda c: c.training_batches(**size, first_step=2, shard=(1, 2)).take(3),
        lambda c: c.validation_batches(**size, num_batches=2),
        lambda c: c.test_videos(length=5),
    ):
        with_actions, frames_alone = make(corpus), make(plain)
        spec = with_actions.element_spec
        assert spec["frames"] == frames_alone.element_spec
        *lead, length, _, _, _ = spec["frames"].shape
        assert spec["actions"] == tf.TensorSpec((*lead, length - 1, 2), tf.float32)
        # The same clips with and without.
        pairs = zip(with_actions.as_numpy_iterator(), frames_alone.as_numpy_iterator(), strict=True)
        for element, frames in pairs:
            np.testing.assert_array_equal(element["frames"], frames)
            np.testing.assert_array_equal(element["actions"], expected_actions(frames))
    stored = builder.info.metadata["actions"]
    for each in (corpus, plain):
        assert each.action_names == NAMES
        for name in ("mean", "scale"):
            values = getattr(each, f"action_{name}")
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values, np.float32(stored[name]))


def test_the_authors_test_files_hold_none_and_are_passed_over(builder, tmp_path, caplog):
    options = {"data_dir": builder.data_dir, "frame_size": SIZE}
    corpus, plain = (open_corpus("video_folder", actions=a, **options) for a in (True, False))
    theirs = np.zeros((3, 5, SIZE, SIZE), np.uint8)
    np.savez(tmp_path / "theirs.npz", sequences=theirs)
    expected = list(plain.test_videos(length=5).as_numpy_iterator())
    corpus.authors_test_set, corpus.data_dir = SequencesFile("theirs.npz"), tmp_path
    found = list(corpus.test_videos(length=5).as_numpy_iterator())
    np.testing.assert_array_equal([x["frames"] for x in found], expected)
    assert caplog.messages == [
        f"video_folder: {tmp_path}/theirs.npz holds no actions; the test set is of the prepared "
        "videos"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["dx"]},
        {"names": None},
        {"mean": [0.0]},
        {"scale": [1.0, 0.0]},
        {"scale": [1.0, float("nan")]},
        {"scale": ["a", "b"]},
    ],
)
def test_damaged_statistics_are_named(builder, tmp_path, change):
    for path in Path(builder.data_dir).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    metadata["actions"] |= change
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(DataError, match=f"{tmp_path}: cannot be read .*; prepare the corpus anew"):
        open_corpus("video_folder", data_dir=tmp_path, frame_size=SIZE, actions=True)


def test_inspect_names_the_columns(builder, tmp_path):
    arguments = ("--dataset=video_folder", f"--data_dir={builder.data_dir}", "--frame_size=16")
    status, out, _ = outcome(inspect, *arguments, f"--output_dir={tmp_path}")
    assert status == 0
    rows = dict(line.split(maxsplit=1) for line in out.splitlines() if line[:4] in ("  dx", "  dy"))
    stored = builder.info.metadata["actions"]
    for name, mean, scale in zip(NAMES, stored["mean"], stored["scale"], strict=True):
        np.testing.assert_allclose([float(x) for x in rows[name].split()], [mean, scale], rtol=1e-3)


# --- a folder of videos and tables ---------------------------------------------------------------


def test_what_has_no_usable_table_is_left_out_and_named(tmp_path):
    raw = write_folder(tmp_path / "raw", [20] * 10)
    tables = [raw / f"{video}.actions.csv" for video in range(10)]
    tables[0].unlink()
    write_table(tables[1], rows_of(1, 20), ("dx", "dz"))
    write_table(tables[2], rows_of(2, 21))
    tables[3].write_text(tables[3].read_text().replace("\n", "\nx", 1))
    tables[4].write_text("")
    np.save(raw / "5.actions.npy", rows_of(5, 20))
    # The same columns in another order are the same.
    write_table(tables[6], rows_of(6, 20)[:, ::-1], NAMES[::-1])
    np.save(raw / "alone.actions.npy", rows_of(0))
    builder = prepared("video_folder", raw, tmp_path / "data", frame_size=SIZE)
    skipped = builder.info.metadata["skipped"]
    assert skipped == sorted(
        [
            f"{raw}/0.mkv: has 0 tables of actions beside it; each video needs one, as others have "
            "it.",
            f"{tables[1]}: has columns dx, dz; most have dx, dy.",
            f"{tables[2]}: has 20 rows, 19 are needed: one from each of the 20 frames of 2.mkv to "
            "the next.",
            f"{tables[3]}: row 1, column dx is no finite float32.",
            f"{tables[4]}: has 0 columns; 1 to 1024 are read.",
            f"{raw}/5.mkv: has 2 tables of actions beside it; each video needs one, as others have "
            "it.",
            f"{raw}/alone.actions.npy: no video alone lies beside this table.",
        ]
    )
    found = examples(builder)
    assert sorted(found) == ["6.mkv", "7.mkv", "8.mkv", "9.mkv"]
    for name, (_, actions) in found.items():
        np.testing.assert_array_equal(actions, rows_of(int(name[0]), 20))


def test_folders_of_images_and_numpy_tables(tmp_path):
    (tmp_path / "raw").mkdir()
    for video in range(3):
        save_images(tmp_path / f"raw/film.{video}", frames_of(video, 20))
        np.save(tmp_path / f"raw/film.{video}.actions.npy", rows_of(video, 20))
    builder = prepared("video_folder", tmp_path / "raw", tmp_path / "data", frame_size=SIZE)
    assert builder.info.metadata["actions"]["names"] == ["action_0", "action_1"]
    for name, (_, actions) in examples(builder).items():
        np.testing.assert_array_equal(actions, rows_of(int(name[-1]), 20))


def test_a_part_without_usable_tables_is_an_error(tmp_path):
    for part, first in (("train", 0), ("test", 4)):
        for video in range(first, first + 4):
            path = encode(tmp_path / part / f"{video}.mkv", frames_of(video, 20))
            if part == "train":
                write_table(path.with_suffix(".actions.csv"), rows_of(video, 20))
    layout = make_builder("video_folder", tmp_path / "data", SIZE).layout
    says = "no test video has actions that can be used: .*4.mkv: has 0 tables"
    with pytest.raises(DataError, match=says):
        layout(tmp_path)


def test_another_number_in_a_table_is_another_corpus(tmp_path):
    raw = write_folder(tmp_path / "raw", [20] * 4)
    builder = prepared("video_folder", raw, tmp_path / "data", frame_size=SIZE)
    layout = builder.layout(raw)
    before = layout_fingerprint(layout, raw), [fingerprint(x) for x in layout.parts.values()]
    table = raw / "0.actions.csv"
    text = table.read_text()
    table.write_text(text[:-2] + ("1" if text[-2] != "1" else "2") + "\n")
    assert len(table.read_text()) == len(text)
    after = layout_fingerprint(layout, raw), [fingerprint(x) for x in layout.parts.values()]
    assert before[0] != after[0]
    assert sum(a != b for a, b in zip(before[1], after[1], strict=True)) == 1
    with pytest.raises(DataError, match="where files have changed since"):
        prepared("video_folder", raw, tmp_path / "data", frame_size=SIZE)


def test_too_many_columns_side_by_side(tmp_path):
    raw = write_folder(tmp_path / "raw", [20] * 4)
    options = {"frame_stride": 10**12, "stride_actions": "stack"}
    with pytest.raises(
        DataError, match="2000000000000 columns, more than 1024; give --stride_actions=sum"
    ):
        make_builder("video_folder", tmp_path / "data", SIZE, **options).layout(raw)
    with pytest.raises(DataError, match="stride_actions is 'mean'; choose one of: sum, stack"):
        make_builder("video_folder", tmp_path / "data", SIZE, stride_actions="mean")


# --- BAIR ----------------------------------------------------------------------------------------


@pytest.fixture
def bair(tmp_path):
    write_bair(tmp_path / "raw", {"train/a": 3, "test/c": 2}, count=6)
    return prepared("bair", tmp_path / "raw", tmp_path / "data")


def test_bairs_actions_are_those_of_the_records_and_the_state_that_of_a_clips_first_frame(bair):
    found = examples(bair)
    assert len(found) == 5
    for _, actions in found.values():
        np.testing.assert_array_equal(actions, 0.5 * np.arange(5)[:, None].repeat(7, 1))
    options = {"data_dir": bair.data_dir, "actions": True}
    corpus, without = open_corpus("bair", state=True, **options), open_corpus("bair", **options)
    assert without.action_names == ("action_0", "action_1", "action_2", "action_3")
    assert corpus.action_names == (*without.action_names, "state_0", "state_1", "state_2")
    assert corpus.num_state == 3 and without.num_state == 0
    np.testing.assert_array_equal(corpus.action_mean[:4], without.action_mean)
    (batch,), (plain,) = (
        each.training_batches(length=3, batch_size=16, seed=0).take(1).as_numpy_iterator()
        for each in (corpus, without)
    )
    actions = batch["actions"]
    np.testing.assert_array_equal(actions[:, 1, :4], actions[:, 0, :4] + 0.5)
    # In these records it is half the number of the frame, as the action is.
    np.testing.assert_array_equal(actions[:, :, 4:], actions[:, :1, :3].repeat(2, axis=1))
    np.testing.assert_array_equal(plain["actions"], actions[..., :4])
    np.testing.assert_array_equal(plain["frames"], batch["frames"])


def test_a_state_that_is_not_there_is_one_line(builder):
    options = {"frame_size": SIZE, "actions": True, "state": True}
    with pytest.raises(DataError, match="was prepared without a state"):
        open_corpus("video_folder", data_dir=builder.data_dir, **options)


def test_bair_from_what_tfds_prepared(tmp_path, monkeypatch):
    written = write_bair(tmp_path / "raw", {"train/a": 3, "test/a": 2})
    # TFDS' own builder; the download is not made, for want of the 30 GB archive.
    manager = tfds.download.DownloadManager
    monkeypatch.setattr(manager, "download_and_extract", lambda self, url: str(tmp_path / "raw"))
    tfds.builder("bair_robot_pushing_small", data_dir=tmp_path / "tfds").download_and_prepare()
    found = examples(prepared("bair", tmp_path / "tfds", tmp_path / "data"))
    for part, videos in written.items():
        of_part = [x for name, (x, _) in found.items() if name.startswith(part[:-2])]
        assert {x.tobytes() for x in of_part} == {video.tobytes() for video in videos}
    for _, actions in found.values():
        np.testing.assert_array_equal(actions, 0.5 * np.arange(29)[:, None].repeat(7, 1))


def test_the_simulated_arms_actions_are_those_it_was_sent(tmp_path):
    pytest.importorskip("pybullet")
    frames = list(push_cubes(np.random.default_rng(2), 5))
    path = tmp_path / "a.tfrecords"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(record(frames))
    ((_, pictures, actions),) = BairRecords(path, 64, with_actions=True).videos()
    np.testing.assert_array_equal(pictures, [x.pictures["image_aux1"] for x in frames])
    rows = [[*x.action, *x.position] for x in frames[:-1]]
    np.testing.assert_array_equal(actions, np.float32(rows))


def rewrite_bair(path, change):
    """Apply `change(features, number)` to each record."""
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, record in enumerate(records):
            example = tf.train.Example.FromString(record)
            change(example.features.feature, number)
            writer.write(example.SerializeToString())


@pytest.mark.parametrize("fault", ["missing", "short", "nan"])
def test_a_bair_record_without_its_actions_is_left_out(tmp_path, fault):
    write_bair(tmp_path / "raw", {"train/a": 3, "train/b": 1, "test/a": 1}, count=4)

    def change(feature, number):
        if number == 1:
            values = feature["1/action"].float_list.value
            values[2] = np.nan
            if fault == "short":
                values.pop()
            if fault == "missing":
                del feature["1/action"]

    path = tmp_path / "raw/softmotion30_44k/train/a.tfrecords"
    rewrite_bair(path, change)
    builder = prepared("bair", tmp_path / "raw", tmp_path / "data")
    (line,) = builder.info.metadata["skipped"]
    says = "no finite numbers" if fault == "nan" else "record 1 lacks <i>/action of 4 floats"
    assert line.startswith(f"{path}: ") and says in line and "what follows" in line
    assert sorted(examples(builder)) == ["a/000", "b/000"]
    assert builder.info.splits["train"].num_examples == 2


def test_bair_without_any_actions_has_none(tmp_path):
    written = write_bair(tmp_path / "raw", {"train/a": 2, "test/a": 1}, count=4)

    def drop(feature, number):
        for key in [key for key in feature if key.endswith("/action")]:
            del feature[key]

    for name in written:
        rewrite_bair(tmp_path / f"raw/softmotion30_44k/{name}.tfrecords", drop)
    builder = prepared("bair", tmp_path / "raw", tmp_path / "data")
    assert sorted(builder.info.features) == ["name", "video"]
    assert "actions" not in builder.info.metadata and not builder.info.metadata["skipped"]
    assert b"action" in bair_record(written["train/a"][0])
