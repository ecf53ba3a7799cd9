"""What `inspect` says and draws, against what was put into the corpus and what training gets."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_pipelines import inspect, open_corpus
from data_pipelines.registry import CORPORA
from tests.corpora.kth import ACTIONS, make_kth
from tests.data_pipelines.commands import outcome
from tests.data_pipelines.corpora.corpus_files import prepared, write_bair
from tests.data_pipelines.readers.test_video_files import clip, encode

ROOT = Path(__file__).parents[2]
PERSONS, COUNT = (1, 2, 21), 50


@pytest.fixture(scope="module")
def kth_dir(tmp_path_factory):
    """KTH with two training persons and one test person; lengths are 50 + person."""
    source, folder = tmp_path_factory.mktemp("kth"), tmp_path_factory.mktemp("prepared_kth")
    make_kth(source, PERSONS, COUNT)
    prepared("kth", source, folder)
    return folder


@pytest.fixture(scope="module")
def bair(tmp_path_factory):
    """(folder, the test videos that were written)."""
    source, folder = tmp_path_factory.mktemp("bair"), tmp_path_factory.mktemp("prepared_bair")
    written = write_bair(source, {"train/traj_0": 3, "test/traj_0": 2})
    prepared("bair", source, folder)
    return folder, written["test/traj_0"]


@pytest.fixture
def inspect_here(tmp_path, monkeypatch):
    """Run the command in a fresh folder: (status, standard output)."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: outcome(inspect, *arguments)[:2]


def rows_of(output):
    """part -> the numbers of its line in the table."""
    lines = [line.split() for line in output.splitlines()]
    parts = ("train", "validation", "test")
    return {x[0]: [float(n) for n in x[1:]] for x in lines if x and x[0] in parts and len(x) == 6}


def test_counts_and_lengths_are_those_of_the_files(kth_dir, inspect_here):
    status, output = inspect_here("--dataset=kth", f"--data_dir={kth_dir}")
    assert status == 0
    assert output.startswith("kth: frames of 64 x 64 pixels, grey\n")
    # In the order of preparation, every second of the 12 is of person 1, the others of person 2.
    lengths = np.array([COUNT + person for _ in ACTIONS for person in PERSONS[:2]])
    order = np.random.RandomState(42).permutation(12)
    rows = rows_of(output)
    for part, indices in (("train", order[:11]), ("validation", order[11:])):
        x = lengths[indices]
        assert rows[part] == [len(x), x.sum(), x.min(), np.median(x), x.max()]
    assert rows["test"] == [6, 6 * 71, 71, 71, 71]
    assert "test clips: 1000\n" in output
    assert "left out when it was prepared: nothing\n" in output


def test_what_was_left_out_or_read_otherwise_than_it_is_shown_is_told(
    tmp_path, inspect_here, capsys
):
    for number in range(5):
        options = {"x264-params": f"sar={'1/1' if number == 3 else '4/3'}"}
        encode(tmp_path / f"{number}.mp4", clip(20), ("libx264", "yuv420p", options))
    (tmp_path / "bad.avi").touch()
    prepared("video_folder", tmp_path, tmp_path / "prepared", frame_size=32)
    told = f"note: {tmp_path / '0.mp4'} and 3 more: pixels are not square (4:3), frames are read "
    assert told in capsys.readouterr().out
    arguments = ("--dataset=video_folder", f"--data_dir={tmp_path / 'prepared'}")
    status, output = inspect_here(*arguments, "--frame_size=32")
    assert status == 0 and output.count(told) == output.count("note: ") == 1
    assert "video_folder: frames of 32 x 32 pixels, RGB\n" in output
    assert "left out when it was prepared: 1\n" in output
    assert f"  {tmp_path / 'bad.avi'}: is empty; fetch it again.\n" in output
    # Of a preparation of before there is nothing to tell.
    (metadata,) = tmp_path.glob("prepared/video_folder/*/1.0.0/metadata.json")
    without = json.loads(metadata.read_text())
    del without["remarks"]
    metadata.write_text(json.dumps(without))
    status, output = inspect_here(*arguments, "--frame_size=32")
    assert status == 0 and "note: " not in output


def tiles(picture, top, rows, columns, size, scale):
    """The frames in a grid below a caption: [rows, columns, size, size, C]."""
    pixels = np.asarray(picture)
    pixels = pixels.reshape(*pixels.shape[:2], -1)[top:, 4:]
    shown, step = size * scale, size * scale + 4
    return np.array(
        [
            [
                pixels[y : y + shown : scale, x : x + shown : scale]
                for x in range(0, columns * step, step)
            ]
            for y in range(0, rows * step, step)
        ]
    )


def test_the_sheet_shows_the_very_clips_of_training_and_testing(bair, inspect_here):
    folder, videos = bair
    status, output = inspect_here("--dataset=bair", f"--data_dir={folder}", "--num_clips=2")
    assert status == 0
    corpus = open_corpus("bair", data_dir=folder)
    training = corpus.training_batches(length=12, batch_size=2, seed=0)
    validation = corpus.validation_batches(length=12, batch_size=2, num_batches=1, seed=0)
    shown = np.round(np.linspace(0, 11, 10)).astype(int)
    sheet = Image.open("inspection/bair.png")
    top, block = 22, 22 + 2 * 132
    for number, batches in enumerate((training, validation)):
        expected = next(batches.as_numpy_iterator())[:, shown]
        found = tiles(sheet, top + number * block, 2, 10, 64, 2)
        np.testing.assert_array_equal(found, expected)
    shown = np.round(np.linspace(0, 29, 10)).astype(int)
    found = tiles(sheet, top + 2 * block, 2, 10, 64, 2)
    np.testing.assert_array_equal(found, videos[:, shown])
    change = np.abs(np.diff(videos.astype(float), axis=1)).mean()
    line = f"test clips: 30 frames; in the 2 drawn, mean {videos.mean():.1f} of 255, "
    assert line + f"change from frame to frame {change:.2f}\n" in output


def test_the_film_shows_every_frame_and_what_ends_early_stays(bair, inspect_here):
    arguments = ("--dataset=bair", f"--data_dir={bair[0]}", "--num_clips=2", "--train_length=7")
    status, _ = inspect_here(*arguments, "--val_length=9", "--test_length=12")
    assert status == 0
    corpus = open_corpus("bair", data_dir=bair[0])
    clips = [
        next(corpus.training_batches(length=7, batch_size=2, seed=0).as_numpy_iterator()),
        bair[1],
    ]
    film = Image.open("inspection/bair.webp")
    assert film.n_frames == 12
    for time in range(12):
        film.seek(time)
        for section, of_part in zip((0, 2), clips, strict=True):
            found = tiles(film.convert("RGB"), 22 + section * (22 + 132), 1, 2, 64, 2)[0]
            np.testing.assert_array_equal(found, of_part[:, min(time, of_part.shape[1] - 1)])


def test_moving_mnist_needs_no_folder(inspect_here):
    status, output = inspect_here("--dataset=moving_mnist", "--motion=deterministic")
    assert status == 0
    assert "test clips: 1000\n" in output
    assert Image.open("inspection/moving_mnist.png").mode == "L"


def test_parts_without_clips_of_that_length_are_told_and_the_others_drawn(kth_dir, inspect_here):
    status, output = inspect_here("--dataset=kth", f"--data_dir={kth_dir}", "--train_length=99")
    assert status == 1
    told = "training clips: none: kth: the longest train video has 52 frames, a clip needs 99"
    assert told in output
    assert "validation clips: 30 frames" in output and "test clips: 40 frames" in output
    assert Image.open("inspection/kth.png").height == 22 * 2 + 8 * 132


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--dataset is missing"),
        (("--dataset=kth",), "--data_dir is missing"),
        (("--dataset=kth", "--data_dir=."), "holds no prepared kth"),
        (("--dataset=kth", "--data_dir=nowhere"), "data_dir nowhere is no folder; name the one"),
        (("--dataset=kth", "--data_dir=.", "--num_digits=1"), "--num_digits is no option of"),
        (("--dataset=moving_mnist", "--motion=wild"), "motion is 'wild'"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = outcome(inspect, *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1) and message in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", list(CORPORA))
def test_the_default_lengths_are_those_of_the_configurations(name):
    config = "smmnist" if name == "moving_mnist" else name
    lines = (ROOT / "configs" / f"{config}.cfg").read_text().splitlines()
    settings = dict(line[2:].split("=") for line in lines if "=" in line and line[:2] == "--")
    expected = [int(settings[f"{part}_length"]) for part in ("train", "val", "test")]
    assert list(CORPORA[name].lengths) == expected
