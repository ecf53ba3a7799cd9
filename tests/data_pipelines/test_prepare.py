"""What is prepared, frame by frame, against a second way to compute it; bad input; interruption."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import data_pipelines.corpora.builders  # noqa: F401
from data_pipelines import prepare as command
from data_pipelines.corpora.builders import video_folder
from data_pipelines.corpora.builders.kth import KthVideo
from data_pipelines.corpora.preparation import make_builder, prepare
from data_pipelines.corpora.sources import Video
from data_pipelines.errors import DataError
from data_pipelines.readers.resizing import fit_frames
from data_pipelines.storage.shard_files import Shard, shard_path, write_shard
from tests.corpora.broken_videos import make_broken_videos
from tests.corpora.human36m import make_human36m
from tests.corpora.kth import make_kth
from tests.data_pipelines.commands import outcome
from tests.data_pipelines.corpora.corpus_files import prepared, stored, write_bair
from tests.data_pipelines.readers.test_video_files import (
    CONTAINERS,
    clip,
    encode,
    make,
    save_images,
    save_pages,
)
from tests.reliability.small_disk import small_disk

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kth_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kth")
    make_kth(folder, persons=(1, 2, 21, 25), num_frames=42)
    return folder


@pytest.fixture(scope="module")
def kth(kth_files, tmp_path_factory):
    return prepared("kth", kth_files, tmp_path_factory.mktemp("prepared"))


# --- exact preprocessing -------------------------------------------------------------------------


def scaled_by_pyav(path, size):
    """Not through FFmpeg's filters; the same where there is no colour."""
    bicubic = av.video.reformatter.Interpolation.BICUBIC
    with av.open(str(path)) as container:
        return np.stack(
            [
                frame.reformat(size, size, "rgb24", interpolation=bicubic).to_ndarray()[..., :1]
                for frame in container.decode(video=0)
            ]
        )


def test_kth_is_scaled_bicubically(kth, kth_files):
    for part, persons in (("train", (1, 2)), ("test", (21, 25))):
        videos = stored(kth, part)
        assert len(videos) == 6 * len(persons) and list(videos) == sorted(videos)
        assert {int(name.split("person")[1][:2]) for name in videos} == set(persons)
        for name, frames in videos.items():
            path = kth_files / f"raw/{name}_uncomp.avi"
            np.testing.assert_array_equal(frames, scaled_by_pyav(path, 64))
            assert len(frames) == 42 + int(name.split("person")[1][:2])
    ((_, frames, _),) = KthVideo(path, 32).videos()
    np.testing.assert_array_equal(frames, scaled_by_pyav(path, 32))


def test_human36m_is_cropped_then_resized_by_pillow(tmp_path):
    make_human36m(tmp_path / "raw", subjects=(1, 8, 9, 11), num_frames=3)
    builder = prepared("human36m", tmp_path / "raw", tmp_path / "prepared")
    train, test = stored(builder, "train"), stored(builder, "test")
    assert list(train) == ["S1-Walking 1.54138969", "S8-Walking 8.54138969"]
    assert list(test) == ["S9-Walking 9.54138969", "S11-Walking 11.54138969"]
    for name, frames in (train | test).items():
        subject, stem = name.split("-")
        with av.open(str(tmp_path / "raw" / subject / "Videos" / f"{stem}.mp4")) as container:
            images = [frame.to_image() for frame in container.decode(video=0)]
        expected = [image.crop((100, 100, 900, 900)).resize((64, 64), 1) for image in images]
        np.testing.assert_array_equal(frames, np.stack([np.asarray(i) for i in expected]))


def test_bair_keeps_the_bytes(tmp_path):
    written = write_bair(tmp_path / "raw", {"train/traj_a": 3, "train/traj_b": 2, "test/traj_c": 2})
    builder = prepared("bair", tmp_path / "raw", tmp_path / "prepared")
    train, test = stored(builder, "train"), stored(builder, "test")
    expected = np.concatenate([written["train/traj_a"], written["train/traj_b"]])
    np.testing.assert_array_equal(list(train.values()), expected)
    assert list(train)[2:4] == ["traj_a/002", "traj_b/000"]
    np.testing.assert_array_equal(list(test.values()), written["test/traj_c"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every container and a folder of images: {name: frames}, and the folder."""
    root, truth = tmp_path_factory.mktemp("videos"), {}
    for seed, suffix in enumerate(CONTAINERS):
        truth[f"a/clip{suffix}"] = clip(40, seed=seed)
        (root / "a").mkdir(exist_ok=True)
        make(root / f"a/clip{suffix}", truth[f"a/clip{suffix}"])
    truth["images"] = clip(40, 64, 40, seed=9)
    save_images(root / "images", truth["images"])
    return root, truth


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"channels": 1, "fit": "letterbox", "frame_stride": 3, "min_frames": 10},
    ],
)
def test_a_folder_of_any_videos(folder, tmp_path, options):
    root, truth = folder
    builder = prepared("video_folder", root, tmp_path, frame_size=32, **options)
    parts = [stored(builder, part) for part in ("train", "validation", "test")]
    assert all(parts)
    found = {name: frames for part in parts for name, frames in part.items()}
    assert sum(map(len, parts)) == len(found)
    assert set(found) == set(truth)
    for name, frames in found.items():
        expected = truth[name][:: options.get("frame_stride", 1)]
        size = (32, options.get("channels", 3), options.get("fit", "crop"))
        np.testing.assert_array_equal(frames, fit_frames(expected, *size))


@pytest.mark.parametrize(
    ("size", "chunk", "most", "min_frames", "lengths"),
    [
        *((32, 3 * 32 * 48, 16, *case) for case in ((1, [15, 15, 10]), (11, [15, 25]), (26, [40]))),
        (32, 3 * 32 * 48, 16, 16, [15, 25]),
        (96, 4 * 96 * 96, 10, 1, [8] * 5),  # enlarged frames are counted by what they become
    ],
)
def test_a_long_video_is_resized_and_stored_in_pieces(
    folder, monkeypatch, size, chunk, most, min_frames, lengths
):
    root, truth = folder
    monkeypatch.setattr(video_folder, "_CHUNK_BYTES", 3 * chunk)
    monkeypatch.setattr(video_folder, "_MAX_BYTES", 3 * most * size**2)
    config = video_folder.VideoFolderConfig(name="", frame_size=size, min_frames=min_frames)
    video = video_folder.FolderVideo(root / "a/clip.mkv", "clip", config)
    pieces = {name: frames for name, frames, _ in video.videos()}
    assert [len(frames) for frames in pieces.values()] == lengths
    names = [f"clip#{number}" for number in range(len(lengths))]
    assert list(pieces) == (names if len(lengths) > 1 else ["clip"])
    expected = fit_frames(truth["a/clip.mkv"], size, 3)
    np.testing.assert_array_equal(np.concatenate(list(pieces.values())), expected)


# --- parts ---------------------------------------------------------------------------------------


def layout_of(root):
    return make_builder("video_folder", root / "none").layout(root)


def layout_names(root):
    return {part: {s.name for s in sources} for part, sources in layout_of(root).parts.items()}


def empty_videos(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_what_links_show_twice_is_found_once_and_never_in_two_parts(tmp_path):
    root = empty_videos(tmp_path, ["train/1.mp4", "train/2.mp4", "train/3.mp4", "test/9.mp4"])
    (root / "test/2.mp4").symlink_to(root / "train/2.mp4")
    (root / "train/again").symlink_to(root / "train")
    (root / "train/tests").symlink_to(root / "test")
    layout = layout_of(root)
    parts = layout_names(root)
    assert parts["test"] == {"test/2.mp4", "test/9.mp4"}
    assert parts["train"] | parts["validation"] == {"train/1.mp4", "train/3.mp4"}
    assert sorted(layout.skipped) == [
        f"{root}/train/2.mp4: is {root}/test/2.mp4 again.",
        f"{root}/train/again: is {root}/train again.",
        f"{root}/train/tests: is {root}/test again.",
    ]


def test_part_folders_in_any_case_and_what_lies_outside_of_them(tmp_path):
    names = ["Train/x/1.mp4", "VAL/2.mp4", "test/B.AVI", "test/a.gif", "test/.c.mp4"]
    layout = layout_of(empty_videos(tmp_path, [*names, "more/notes.txt", "5.avi", "notes.txt"]))
    assert {part: [s.name for s in sources] for part, sources in layout.parts.items()} == {
        "train": names[:1],
        "validation": names[1:2],
        "test": names[2:4],
    }
    assert layout.skipped == [f"{tmp_path}/5.avi: lies outside of Train, VAL, test."]


@pytest.mark.parametrize(
    "names",
    [
        ("training", None, "testing"),
        ("Training_Videos", "valid", "test-data"),
        ("train2017", "dev", "TEST"),
    ],
)
def test_the_usual_names_of_parts(tmp_path, names):
    parts = dict(zip(("train", "validation", "test"), names, strict=True))
    files = {p: {f"{name}/{i}.mp4" for i in range(3)} for p, name in parts.items() if name}
    found = layout_names(empty_videos(tmp_path, set().union(*files.values())))
    if not parts["validation"]:
        found["train"] |= found.pop("validation")
    assert found == files


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["train/1.mp4", "test/2.mp4", "extra/a/3.mp4"], "extra holds videos beside train, test"),
        (["val/1.mp4", "eval/2.mp4", "train/3.mp4"], "eval and val are both called like the valid"),
        (["a/1.mp4", "dev/2.mp4"], "has dev, called like the validation part, but no train"),
        (["ucf_train/1.mp4", "ucf_test/2.mp4", "a/3.mp4"], "ucf_test are called like parts"),
        (["train/1.mp4", "test/notes.txt"], "test: holds no video that is not elsewhere"),
        (["1.mp4"], "1 videos .* validation and test: 3 are needed"),
    ],
)
def test_folders_that_cannot_be_parted_are_refused(tmp_path, names, says):
    with pytest.raises(DataError, match=says):
        layout_of(empty_videos(tmp_path, names))


def test_every_file_that_is_not_used_is_named(tmp_path):
    names = [f"{i}/{i}.{suffix}" for i in range(4) for suffix in ("mp4", "jpg")]
    root = empty_videos(tmp_path, [*names, "a.3gp", "poster.png", ".hidden.wmv", "talk.mp3"])
    others = ["b.wmv", "c.ts", "d.MPG", "e.flv", "f"]
    for name in others:
        (root / name).write_bytes(bytes(188))
    (root / "notes.md").write_text("text \u00e9\n" * 200, encoding="utf-8")
    (root / "data.ts").write_text("export const x = 1\n")
    layout = layout_of(root)
    used = {source.name for sources in layout.parts.values() for source in sources}
    assert used == {"a.3gp", *(name for name in names if name.endswith(".mp4"))}
    assert sorted(line.partition(": ")[0] for line in layout.skipped) == sorted(
        [str(root), *(f"{root}/{name}" for name in others), *(f"{root}/{i}" for i in range(4))]
    )
    assert f"{root}/0: 1 image beside videos (0.jpg), taken for no video" in str(layout.skipped)
    assert "b.wmv: is of no kind that is read (.mp4, " in str(layout.skipped)


def test_stacks_of_pages_are_videos(tmp_path):
    for seed in range(3):
        save_pages(tmp_path / f"cell{seed}.tif", clip(25, seed=seed))
    layout = layout_of(tmp_path)
    videos = {s.path.name: s.videos() for sources in layout.parts.values() for s in sources}
    assert len(videos) == 3 and not layout.skipped
    ((_, found, _),) = videos["cell1.tif"]
    np.testing.assert_array_equal(found, fit_frames(clip(25, seed=1), 64, 3))


def test_parts_without_folders_have_their_shares_and_stay_when_videos_are_added(tmp_path):
    names = [f"{i:04d}.mp4" for i in range(1000)]
    before = layout_names(empty_videos(tmp_path, names))
    # 3 standard deviations of a binomial draw.
    assert abs(len(before["test"]) - 100) < 3 * (1000 * 0.1 * 0.9) ** 0.5
    assert abs(len(before["validation"]) - 50) < 3 * (1000 * 0.05 * 0.95) ** 0.5
    after = layout_names(empty_videos(tmp_path, [f"new{i}.mkv" for i in range(200)]))
    assert all(before[part] <= after[part] for part in before)


@pytest.mark.parametrize("count", [3, 7])
def test_small_folders_have_a_video_in_each_part(tmp_path, count):
    for seed in range(20):
        root = empty_videos(tmp_path / str(seed), [f"{seed}_{i}.mp4" for i in range(count)])
        parts = layout_names(root)
        assert all(parts.values())
        assert sum(map(len, parts.values())) == count


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("kth", "expected raw/<action>/person<PP>_<action>_d<D>_uncomp.avi"),
        ("human36m", r"expected S<n>/Videos/\*.mp4"),
        ("bair", r"expected softmotion30_44k/train/\*.tfrecords"),
        ("video_folder", r"expected videos \(.mp4, .avi"),
    ],
)
def test_a_wrong_layout_says_what_was_expected_and_found(tmp_path, dataset, expected):
    empty_videos(tmp_path / "raw", ["notes.txt", "other/readme.md"])
    builder = make_builder(dataset, tmp_path / "prepared")
    with pytest.raises(DataError, match=rf"{expected}.*; found notes.txt, other/\.$") as caught:
        prepare(builder, tmp_path / "raw")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "prepared" / dataset / builder.builder_config.name / "1.0.0").exists()


# --- bad input -----------------------------------------------------------------------------------


def run(dataset, source_dir, data_dir, *arguments):
    flags = (f"--dataset={dataset}", f"--source_dir={source_dir}", f"--data_dir={data_dir}")
    return outcome(command, *flags, "--workers=1", *arguments)


def test_bad_files_are_named_in_one_line_each_and_the_rest_is_prepared(tmp_path):
    says = make_broken_videos(tmp_path / "raw")
    for i in range(4):
        encode(tmp_path / f"raw/good{i}.mkv", clip(25))
    arguments = ("video_folder", tmp_path / "raw", tmp_path / "prepared", "--frame_size=32")
    status, out, err = run(*arguments)
    assert status == 0 and out.strip().endswith("11 left out")
    builder = make_builder("video_folder", tmp_path / "prepared", 32)
    skipped = builder.info.metadata["skipped"]
    assert len(skipped) == len(says) == 11
    # After the bar, so that they stay together.
    assert err.splitlines()[-11:] == [f"skipped: {line}" for line in sorted(skipped)]
    for path, fault in says.items():
        assert [line for line in skipped if str(path) in line and fault in line], (path, skipped)
    assert any("has 5 frames; 20 are needed (--min_frames)" in line for line in skipped)
    found = [set(stored(builder, part)) for part in ("train", "validation", "test")]
    assert set().union(*found) == {f"good{i}.mkv" for i in range(4)} and all(found)
    status, out, _ = run(*arguments, "--strict")
    assert status == 1 and "is there already" in out


def test_a_cut_bair_file_gives_its_whole_records(tmp_path):
    written = write_bair(tmp_path / "raw", {"train/a": 3, "train/b": 1, "test/a": 1}, count=2)
    path = tmp_path / "raw/softmotion30_44k/train/a.tfrecords"
    path.write_bytes(path.read_bytes()[:-100])
    builder = prepared("bair", tmp_path / "raw", tmp_path / "prepared")
    videos = np.stack(list(stored(builder, "train").values()))
    expected = np.concatenate([written["train/a"][:2], written["train/b"]])
    np.testing.assert_array_equal(videos, expected)
    (line,) = builder.info.metadata["skipped"]
    assert "a.tfrecords: is damaged or cut short after 2 videos" in line


def test_kth_files_of_another_name_folder_or_size_are_left_out_and_case_does_not_count(tmp_path):
    make_kth(tmp_path, persons=(1, 21), num_frames=2)
    raw = tmp_path / "raw"
    (raw / "boxing").rename(raw / "boxen")
    path = raw / "jogging/person01_jogging_d1_uncomp.avi"
    path.rename(path.with_suffix(".AVI"))
    encode(raw / "running/person03_running_d1_uncomp.avi", clip(25))
    (raw / "running/backup.avi").touch()
    builder = prepared("kth", tmp_path, tmp_path / "prepared")
    videos = stored(builder, "train")
    assert len(videos) == 5 and "jogging/person01_jogging_d1" in videos
    folder, missing, name, size = builder.info.metadata["skipped"]
    assert folder.startswith(f"{raw}/boxen: is called like no action (boxing")
    assert missing == f"{raw}/boxing: is missing or holds no .avi."
    assert "backup.avi: is not called person<01-25>_running" in name
    assert "person03_running_d1_uncomp.avi: is 48 x 32 pixels, KTH's videos are 160 x 120" in size


def test_a_name_that_is_no_utf8(tmp_path):
    (tmp_path / "raw").mkdir()
    for i in range(4):
        encode(tmp_path / f"raw/{i}.mkv", clip(25, seed=i))
    os.rename(tmp_path / "raw/3.mkv", os.fsencode(tmp_path) + b"/raw/3\xff.mkv")
    with open(os.fsencode(tmp_path) + b"/raw/bad\n\xfe.mkv", "wb"):
        pass
    builder = prepared("video_folder", tmp_path / "raw", tmp_path / "prepared", frame_size=32)
    parts = [stored(builder, part) for part in ("train", "validation", "test")]
    names = sorted(name for part in parts for name in part)
    assert names == ["0.mkv", "1.mkv", "2.mkv", "3\\xff.mkv"]
    (line,) = builder.info.metadata["skipped"]
    assert line == f"{tmp_path}/raw/bad \\xfe.mkv: is empty; fetch it again."


def test_another_source_or_changed_files_are_not_taken_for_what_was_prepared(tmp_path):
    for name in ("a", "b"):
        write_bair(tmp_path / name, {"train/a": 2, "test/a": 1}, count=2)
    data_dir = tmp_path / "prepared"
    prepared("bair", tmp_path / "a", data_dir)
    prepared("bair", tmp_path / "a", data_dir)
    with pytest.raises(DataError, match=rf"was prepared from {tmp_path}/a, not {tmp_path}/b"):
        prepared("bair", tmp_path / "b", data_dir)
    write_bair(tmp_path / "a", {"train/b": 1}, count=2)
    with pytest.raises(DataError, match="where files have changed since; remove it or give"):
        prepared("bair", tmp_path / "a", data_dir)


class Unfit:
    """A source whose frames TensorFlow cannot hold; the error is made by hand, memory is not."""

    path = Path("large.mp4")

    def videos(self):
        yield Video("small", np.zeros((2, 4, 4, 1), np.uint8))
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def test_frames_that_do_not_fit_into_memory_are_not_called_a_full_disk(tmp_path):
    report = write_shard(Shard("train", (Unfit(),), 1), tmp_path / "a.tfrecord")
    assert report.lengths == [2]
    (line,) = report.skipped
    assert line.startswith("large.mp4: TensorFlow cannot resize its frames (OOM when allocating")


def test_a_part_without_any_usable_video_is_an_error(tmp_path):
    root = empty_videos(tmp_path / "raw", ["test/a.mp4"])
    (root / "train").mkdir()
    for i in range(3):
        encode(root / f"train/{i}.mkv", clip(25))
    with pytest.raises(DataError, match="no video for test; 1 file there cannot be used"):
        prepared("video_folder", root, tmp_path / "prepared")


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path, kth_files):
    video = KthVideo(next(kth_files.rglob("*.avi")), 64)
    path = shard_path(tmp_path, Shard("train", (video,), 1))
    # The real error of a real device: what the shard is first written to leads there.
    path.with_name(f"{path.stem}.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_shard(Shard("train", (video,), 1), path)
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_a_preparation_goes_on_after_a_full_disk(tmp_path, kth_files, kth):
    with small_disk(tmp_path / "full", kib=64) as full:
        status, _, err = run("kth", kth_files, full)
        assert status == 1
        last = err.splitlines()[-1]
        assert "No space left on device" in last and str(full) in last
        assert not list(full.rglob("dataset_info.json"))  # TFDS' mark of a whole corpus
        subprocess.run(["mount", "-o", "remount,size=64m", full], check=True)
        assert run("kth", kth_files, full)[0] == 0
        found = stored(tfds.builder_from_directory(full / "kth/64/1.0.0"), "test")
    for name, frames in stored(kth, "test").items():
        np.testing.assert_array_equal(found[name], frames)


# --- interruption, TFDS' own commands ------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_preparation_keeps_others_out_and_one_that_was_stopped_goes_on(
    kth, kth_files, tmp_path, sent
):
    flags = ("--dataset=kth", f"--source_dir={kth_files}", f"--data_dir={tmp_path}", "--workers=2")
    line = [sys.executable, "-m", "data_pipelines.prepare", *flags]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("kth/64/.*staging/*.json"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.002)
    family = psutil.Process(process.pid).children(recursive=True)
    for member in (process, *family):
        os.kill(member.pid, signal.SIGSTOP)
    with pytest.raises(DataError, match="another preparation of this corpus is running"):
        prepared("kth", kth_files, tmp_path)
    process.send_signal(sent)
    for member in (process, *family):
        os.kill(member.pid, signal.SIGCONT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (-9 if sent == signal.SIGKILL else 143)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    if sent == signal.SIGTERM:
        assert stderr.decode().splitlines()[-1] == "python -m data_pipelines.prepare: terminated"
        assert b"Traceback" not in stderr
    final = tmp_path / "kth/64/1.0.0"
    assert not final.exists()
    staged = {p.stat().st_ino for p in final.parent.glob(".*staging/*.tfrecord")}
    assert 3 <= len(staged) < 24
    builder = prepared("kth", kth_files, tmp_path)
    kept = {path.stat().st_ino for path in final.glob("*.tfrecord-*")}
    assert len(kept) == 24
    assert len(staged & kept) >= 3, "finished shards were made again"
    assert {path.name for path in final.parent.iterdir()} == {"1.0.0", ".1.0.0.lock"}
    for part in ("train", "test"):
        found, expected = stored(builder, part), stored(kth, part)
        assert list(found) == list(expected)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_a_staged_shard_that_is_not_whole_or_whose_source_changed_is_made_again(tmp_path):
    path = encode(tmp_path / "person01_x_d1_uncomp.avi", np.zeros((4, 120, 160, 3), np.uint8))
    shard = Shard("train", (KthVideo(path, 64),), 1)
    staged = shard_path(tmp_path, shard)
    assert write_shard(shard, staged).lengths == [4]
    whole = staged.read_bytes()
    staged.write_bytes(whole[:-1])
    write_shard(shard, staged)
    assert staged.read_bytes() == whole
    os.utime(path, (0, 0))
    assert shard_path(tmp_path, shard) != staged


def test_tfds_loads_and_builds_it(kth, kth_files, tmp_path):
    loaded = tfds.load("kth", data_dir=kth.data_dir_root, split="test", download=False)
    videos = stored(kth, "test")
    for example, (name, frames) in zip(loaded, videos.items(), strict=True):
        assert example["name"].numpy().decode() == name
        np.testing.assert_array_equal(example["video"].numpy(), frames)
    # `tfds build --max_examples_per_split=3` goes TFDS' own way.
    builder = tfds.builder("kth", data_dir=tmp_path)
    config = tfds.download.DownloadConfig(manual_dir=str(kth_files), max_examples_per_split=3)
    builder.download_and_prepare(download_config=config)
    first = stored(builder, "test")
    assert list(first) == list(videos)[:3]
    assert all(np.array_equal(first[name], videos[name]) for name in first)
    assert builder.info.features["video"].np_dtype == np.uint8
    assert tf.io.gfile.exists(str(builder.data_path))


@pytest.mark.long
def test_tfds_build_prepares_what_we_prepare(tmp_path, kth_files):
    # Its extra wants an older protobuf than the newest TensorFlow brings: not among the others.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", f"{ROOT}[tfds-cli]"], check=True)
    for line in (
        (binaries / "tfds", "build", "kth", "--imports=data_pipelines.corpora.builders")
        + (f"--manual_dir={kth_files}", f"--data_dir={tmp_path / 'theirs'}"),
        (sys.executable, "-m", "data_pipelines.prepare", "--dataset=kth")
        + (f"--source_dir={kth_files}", f"--data_dir={tmp_path / 'ours'}"),
    ):
        subprocess.run(line, check=True, cwd=ROOT)
    theirs, ours = (
        stored(tfds.builder_from_directory(tmp_path / of / "kth/64/1.0.0"), "test")
        for of in ("theirs", "ours")
    )
    assert list(theirs) == list(ours)
    for name, video in ours.items():
        np.testing.assert_array_equal(theirs[name], video)


@pytest.mark.parametrize(
    ("flags", "says", "status"),
    [
        ((), "--dataset is missing", 1),
        (("--dataset=kth", "--source_dir=/nowhere", "--data_dir=x"), "=/nowhere is no fold", 1),
        (("--dataset=kth", "--source_dir=/", "--data_dir=x", "--fit=crop"), "--fit is an opt", 1),
        (("--frame_size=1025",), "--frame_size=1025", 2),
        (("kth",), "unexpected argument 'kth'", 2),
    ],
)
def test_a_wrong_command_line_is_one_line(flags, says, status):
    found, out, err = outcome(command, *flags)
    assert (found, out, err.count("\n")) == (status, "", 1)
    assert says in err
