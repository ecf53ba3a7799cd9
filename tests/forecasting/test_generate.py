"""The command that predicts: what it reads, what it writes, and how it fails."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from srvp_tf import generate
from srvp_tf.config import corpora
from srvp_tf.forecasting import generation
from srvp_tf.runs.run_folder import load_model
from srvp_tf.video import to_uint8
from srvp_tf.video.canvas import GREEN, RED
from tests.cli.commands import outcome, refusal
from tests.experiments.models import varied_run
from tests.runs import small_run

# What the tiny runs of `small_run` have.
NT_COND, HORIZON, SIZE = 3, 3, 32


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Kind -> a run folder whose model has large weights: its samples and frames all differ."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        "grey": varied_run(folder / "grey", kinds=("last", "best")),
        "skips": varied_run(folder / "skips", "--family=vgg", "--skips", "--euler_steps=2"),
        "colour": varied_run(folder / "colour", "--dataset=bair", "--channels=3"),
    }


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(run_dir, *arguments):
    return outcome(generate, f"--run_dir={run_dir}", *arguments)


def clip(count=8, height=SIZE, width=SIZE, channels=1):
    """Random frames, uint8."""
    shape = (count, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def pictures(path):
    """Frames of a GIF or video, uint8 [T, H, W, 3], read by Pillow or PyAV."""
    if not path.endswith(".gif"):
        with av.open(path) as container:
            return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    with Image.open(path) as image:
        return np.stack([np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)])


# Cells of the grid: 32 pixels, six times enlarged, in a border of 4, below a caption.
CELL, BORDER, TOP, LEFT = 192, 4, 28, 8


def cell(picture, column):
    """The content of a cell of the grid, at its own size: [32, 32, 3]."""
    left = LEFT + column * (CELL + 2 * BORDER + 8) + BORDER + 3
    top = TOP + BORDER + 3
    return picture[top : top + CELL : 6, left : left + CELL : 6]


def border_is_red(picture, column):
    """Whether the border of a cell is red; it must be all red or all green."""
    left = LEFT + column * (CELL + 2 * BORDER + 8)
    middle = TOP + BORDER + CELL // 2
    found = picture[[TOP + 2, middle, middle], [left + CELL // 2, left + 2, left + CELL + 6]]
    red, green = (np.abs(found.astype(int) - colour).max() < 40 for colour in (RED, GREEN))
    assert red != green
    return red


# --- what it predicts ----------------------------------------------------------------------------


def test_arrays_are_the_forecast_of_the_model(runs):
    np.save("in.npy", clip())
    status, out, err = run(runs["skips"], "--input=in.npy", "--horizon=4", "--num_samples=3",
        "--euler_steps=4", "--frames_per_step=2", "--seed=7", "--first_frame=2", "--output=a/b.npz",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert out == "wrote a/b.npz: 3 samples of 8 frames, predicted from 3\n"
    got = arrays("a/b.npz")
    assert sorted(got) == ["conditioning", "frames"]
    np.testing.assert_array_equal(got["conditioning"], clip()[2:5])
    model = load_model(runs["skips"])
    expected = to_uint8(model.forecast(clip()[2:5], 4, 3, 7, euler_steps=4, frames_per_step=2))
    assert expected.std() > 10
    assert np.abs(got["frames"].astype(int) - expected).max() <= 1
    assert len({sample.tobytes() for sample in got["frames"]}) == 3


def test_decoding_in_pieces_changes_nothing(runs, monkeypatch):
    model = load_model(runs["grey"])
    whole = generation.predict_video(model, clip(3), 5, num_samples=3)
    monkeypatch.setattr(generation, "frames_per_chunk", lambda model: 4)
    pieces = generation.predict_video(model, clip(3), 5, num_samples=3)
    assert whole.shape == pieces.shape == (3, 5, SIZE, SIZE, 1)
    assert np.abs(whole.astype(int) - pieces).max() <= 1


def test_everything_has_a_default(runs, tmp_path):
    status, out, err = run(runs["grey"])
    assert (status, err) == (0, "")
    assert out == "wrote prediction.gif: 5 samples of 3 frames, predicted from 3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["prediction.gif"]


def test_without_input_it_is_the_test_video_that_evaluation_sees(runs):
    run(runs["grey"], "--video=2", "--horizon=2", "--num_samples=2", "--output=a.npz")
    config = small_run.config()
    videos = corpora.open_corpus(config).test_videos(length=6, num_videos=3)
    video = list(videos.as_numpy_iterator())[2]
    got = arrays("a.npz")
    np.testing.assert_array_equal(got["conditioning"], video[:3])
    model = load_model(runs["grey"])
    expected = to_uint8(model.forecast(video[None, :3], 2, 2, video_ids=[2]))[0]
    assert np.abs(got["frames"].astype(int) - expected).max() <= 1


def test_the_checkpoint_that_is_asked_for(runs):
    np.save("in.npy", clip())
    frames = {}
    for kind in ("last", "best"):
        run(runs["grey"], "--input=in.npy", f"--checkpoint={kind}", "--output=a.npz")
        frames[kind] = arrays("a.npz")["frames"]
        expected = to_uint8(load_model(runs["grey"], kind).forecast(clip()[:3], 3, 5))
        assert np.abs(frames[kind].astype(int) - expected).max() <= 1
    assert not np.array_equal(frames["last"], frames["best"])


# --- what it reads -------------------------------------------------------------------------------


def encode(name, codec, pix_fmt, frames, **options):
    """Write a video file of frames [T, H, W, 3]."""
    with av.open(name, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def test_a_colour_video_of_another_size_is_fitted_and_that_is_said(runs):
    flat = np.broadcast_to(np.array([200, 30, 90], np.uint8), (6, 48, 80, 3))
    encode("in.mkv", "ffv1", "bgr0", flat)
    _, out, _ = run(runs["grey"], "--input=in.mkv", "--output=a.npz")
    assert out.splitlines()[0] == (
        "in.mkv: 80 x 48 colour frames, cropped to the central square, resized to 32 x 32, "
        "turned to grey"
    )
    luma = round(0.299 * 200 + 0.587 * 30 + 0.114 * 90)
    assert (arrays("a.npz")["conditioning"] == luma).all()


def test_pixels_that_are_not_square_are_told(runs):
    encode("in.mp4", "libx264", "yuv420p", clip(6, channels=3), **{"x264-params": "sar=4/3"})
    _, out, _ = run(runs["grey"], "--input=in.mp4", "--output=a.npz")
    assert "in.mp4: pixels are not square (4:3), frames are read as stored\n" in out


def test_a_folder_of_grey_images_for_a_colour_model(runs):
    Path("in").mkdir()
    for number, frame in enumerate(clip(12)):
        Image.fromarray(frame[..., 0]).save(f"in/{number}.png")
    _, out, _ = run(runs["colour"], "--input=in", "--first_frame=9", "--output=a.npz")
    assert out.splitlines()[0] == "in: 32 x 32 grey frames, repeated in three channels"
    got = arrays("a.npz")
    np.testing.assert_array_equal(got["conditioning"], clip(12)[9:].repeat(3, axis=-1))
    assert got["frames"].shape == (5, 3, SIZE, SIZE, 3)


# --- what it writes ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_truth_and_samples_play_in_step(runs, suffix):
    np.save("in.npy", clip(10))
    given = "--input=in.npy --horizon=4 --num_samples=2 --euler_steps=4 --frames_per_step=2".split()
    for name in (f"a{suffix}", "a.npz"):
        run(runs["skips"], *given, f"--output={name}")
    predicted = arrays("a.npz")["frames"]
    played = pictures(f"a{suffix}")
    assert len(played) == (NT_COND - 1 + 4) * 2 + 1
    given = [0, 0, 1, 1, 2]  # the first prediction comes half an interval after the last frame

    def assert_shows(picture, column, expected):
        # The encoder of .mp4 loses a little.
        error = np.abs(cell(picture, column).astype(int) - expected).mean()
        assert error < (1 if suffix == ".gif" else 25)

    for time, picture in enumerate(played):
        assert not border_is_red(picture, 0)
        assert_shows(picture, 0, clip(10)[time // 2])
        for sample in range(2):
            assert border_is_red(picture, 1 + sample) == (time >= len(given))
            if time < len(given):
                assert_shows(picture, 1 + sample, clip(10)[given[time]])
            else:
                assert_shows(picture, 1 + sample, predicted[sample, time - len(given)])


def test_real_time_is_kept_at_a_higher_rate(runs):
    durations = {}
    for rate in (1, 2):
        run(runs["skips"], f"--frames_per_step={rate}", "--output=a.gif")
        with Image.open("a.gif") as image:
            frames = ImageSequence.Iterator(image)
            durations[rate] = sum(frame.info["duration"] for frame in frames)
    # 200 ms an interval; the last frame stays for its own time, half an interval at twice the rate.
    assert durations == {1: 6 * 200, 2: 11 * 100}


def test_the_truth_ends_where_the_input_does(runs):
    given = ("--input=in.npy", "--num_samples=1", "--output=a.gif")
    np.save("in.npy", clip(4))
    run(runs["grey"], *given)
    played = pictures("a.gif")
    assert np.abs(cell(played[3], 0).astype(int) - clip(4)[3]).max() < 8  # 255 colours
    assert (cell(played[4], 0) == 255).all() and (cell(played[5], 0) == 255).all()
    np.save("in.npy", clip(3))
    run(runs["grey"], *given)
    played = pictures("a.gif")
    assert played.shape[2] < 2 * CELL  # no truth, one cell
    assert [bool(border_is_red(picture, 0)) for picture in played] == 3 * [False] + 3 * [True]


def test_a_film_strip(runs):
    run(runs["grey"], "--output=a.png", "--num_samples=2")
    picture = np.asarray(Image.open("a.png"))
    green, red = ((picture == colour).all(axis=-1) for colour in (GREEN, RED))
    row = 128 + 2 * 3 + 4  # the truth on top, then two samples
    assert not red[: TOP + row].any() and green[: TOP + row].any(axis=0).sum() > 6 * 128
    for top in (TOP + row + 5, TOP + 2 * row + 5):
        columns = [colour[top : top + 100].any(axis=0).nonzero()[0] for colour in (green, red)]
        assert columns[0].max() < columns[1].min()
        assert np.ptp(columns[0]) == np.ptp(columns[1]) > 3 * 128


# --- how it fails --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--horizon=0", "--horizon=0: "),
        ("--num_samples=0", "--num_samples=0: "),
        ("--euler_steps=0", "--euler_steps=0: "),
        ("--frames_per_step=0", "--frames_per_step=0: "),
        ("--seed=-1", "--seed=-1: "),
        ("--first_frame=-1", "--first_frame=-1: "),
        ("--first_frame=4", "test video 0 has 2 frames from --first_frame=4 on; the model needs 3"),
        ("--video=5000", "--video=5000: there are"),
        ("--video=1 --input=a.mp4", "leave --input out"),
        ("--frames_per_step=3 --euler_steps=4", "does not divide the 4 Euler steps"),
        ("--frames_per_step=2", "does not divide the 1 Euler steps"),
        ("--frames_per_step=12 --euler_steps=12", "at most 50 frames a second"),
        ("--output=a.txt", "unknown format; use one of .gif"),
        ("--output=a", "unknown format"),
        ("--output=/proc/nothing/a.gif", "/proc/nothing/a.gif"),
        ("--output=two.npy/a.gif", "takes no files"),
        ("--output=folder.gif", "is a folder"),
        ("--input=nothing.mp4", "nothing.mp4: does not exist"),
        ("--input=another/config.json", "config.json: is no video"),
        ("--input=two.npy", "two.npy has 2 frames; the model needs 3 or more"),
        ("--input=folder.gif", "holds no image"),
        ("--checkpoint=newest", "should be one of <last|best>"),
        ("--horizon=some", "horizon"),
        ("--run_dir=", "--run_dir is missing"),
        ("--run_dir=missing", "is not a run folder"),
        ("--run_dir=another", "belongs to another model"),
        ("--run_dir=damaged", "damaged or not a checkpoint"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(runs, tmp_path, arguments, text):
    Path("folder.gif").mkdir()
    np.save("two.npy", clip(2))
    for name in ("another", "damaged"):
        shutil.copytree(runs["grey"], name)
    config = Path("another/config.json")
    config.write_text(config.read_text().replace('"nf": 2', '"nf": 5'))
    for checkpoint in Path("damaged/checkpoints").iterdir():
        checkpoint.write_bytes(b"\x80\x04K\x01.")
    given = (f"--run_dir={runs['grey']}", *arguments.split())
    assert text in refusal(generate, *given, untouched=tmp_path)


def test_a_disk_that_is_full_leaves_nothing(runs, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    given = (f"--run_dir={runs['grey']}", "--output=a.npz")
    line = refusal(generate, *given, untouched=tmp_path)
    assert "cannot write a.npz: No space left on device" in line
