"""The command that predicts: what it reads, what it writes, and how it fails."""

import json
import shutil

import av
import numpy as np
import pytest
from absl import flags
from PIL import Image

from srvp_tf import generate
from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.forecasting import generation
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs.run_folder import RunFolder, load_model, model_variables
from srvp_tf.video import to_uint8
from srvp_tf.video.canvas import GREEN, RED
from tests.runs import small_run

# What the tiny runs of `small_run` have.
NT_COND, HORIZON, SIZE = 3, 3, 32
KINDS = {
    "grey": (),
    "skips": ("--family=vgg", "--skips", "--euler_steps=2"),
    "colour": ("--dataset=bair", "--channels=3"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Kind -> a run folder whose model has large weights: its samples and frames all differ."""
    folders = {}
    for kind, arguments in KINDS.items():
        config = small_run.config(*arguments)
        run = RunFolder(tmp_path_factory.mktemp("runs") / kind)
        run.create(config)
        run.checkpoints().open()
        for seed, checkpoint in enumerate(("last", "best")):
            model = SRVP(config.model, seed=seed)
            rng = np.random.default_rng(seed)
            arrays = {}
            for name, variable in model_variables(model).items():
                noise = rng.normal(size=variable.shape).astype(np.float32)
                arrays[name] = np.abs(noise) if "variance" in name else np.asarray(variable) + noise
            run.checkpoints().save(checkpoint, 1, arrays, {})
        folders[kind] = run.path
    return folders


@pytest.fixture
def generate_here(capsys, tmp_path, monkeypatch):
    """Run the command in a fresh folder: (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        values = flags.FlagValues()
        generate.define_flags(values)
        with pytest.raises(SystemExit) as caught:
            command.run(generate.main, ["generate", *map(str, arguments)], values)
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return call


def clip(count=8, height=SIZE, width=SIZE, channels=1):
    """Random frames, uint8."""
    shape = (count, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def pictures(path):
    """Frames of a GIF or video, uint8 [T, H, W, 3], read by Pillow or PyAV."""
    if path.suffix != ".gif":
        with av.open(str(path)) as container:
            return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    with Image.open(path) as image:
        frames = []
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
    return np.stack(frames)


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


def test_arrays_are_the_forecast_of_the_model(runs, generate_here, tmp_path):
    np.save("in.npy", clip())
    status, out, err = generate_here(
        f"--run_dir={runs['skips']}", "--input=in.npy", "--horizon=4", "--num_samples=3",
        "--euler_steps=4", "--frames_per_step=2", "--seed=7", "--first_frame=2", "--output=a/b.npz",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert out == "wrote a/b.npz: 3 samples of 8 frames, predicted from 3\n"
    got = arrays(tmp_path / "a" / "b.npz")
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


def test_everything_has_a_default(runs, generate_here, tmp_path):
    status, out, err = generate_here(f"--run_dir={runs['grey']}")
    assert (status, err) == (0, "")
    assert out == "wrote prediction.gif: 5 samples of 3 frames, predicted from 3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["prediction.gif"]


def test_without_input_it_is_the_test_video_that_evaluation_sees(runs, generate_here, tmp_path):
    generate_here(
        f"--run_dir={runs['grey']}", "--video=2", "--horizon=2", "--num_samples=2", "--output=a.npz"
    )
    config = small_run.config()
    videos = corpora.open_corpus(config).test_videos(length=6, num_videos=3)
    video = list(videos.as_numpy_iterator())[2]
    got = arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(got["conditioning"], video[:3])
    model = load_model(runs["grey"])
    expected = to_uint8(model.forecast(video[None, :3], 2, 2, video_ids=[2]))[0]
    assert np.abs(got["frames"].astype(int) - expected).max() <= 1


def test_the_checkpoint_that_is_asked_for(runs, generate_here, tmp_path):
    np.save("in.npy", clip())
    frames = {}
    for kind in ("last", "best"):
        generate_here(
            f"--run_dir={runs['grey']}", "--input=in.npy", f"--checkpoint={kind}", "--output=a.npz"
        )
        frames[kind] = arrays(tmp_path / "a.npz")["frames"]
        expected = to_uint8(load_model(runs["grey"], kind).forecast(clip()[:3], 3, 5))
        assert np.abs(frames[kind].astype(int) - expected).max() <= 1
    assert not np.array_equal(frames["last"], frames["best"])


# --- what it reads -------------------------------------------------------------------------------


def test_a_colour_video_of_another_size_is_fitted_and_that_is_said(runs, generate_here, tmp_path):
    flat = np.broadcast_to(np.array([200, 30, 90], np.uint8), (6, 48, 80, 3))
    with av.open("in.mkv", "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 80, 48, "bgr0"
        for frame in flat:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    _, out, _ = generate_here(f"--run_dir={runs['grey']}", "--input=in.mkv", "--output=a.npz")
    assert out.splitlines()[0] == (
        "in.mkv: 80 x 48 colour frames, cropped to the central square, resized to 32 x 32, "
        "turned to grey"
    )
    luma = round(0.299 * 200 + 0.587 * 30 + 0.114 * 90)
    assert (arrays(tmp_path / "a.npz")["conditioning"] == luma).all()


def test_pixels_that_are_not_square_are_told(runs, generate_here):
    with av.open("in.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "sar=4/3"})
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        for frame in clip(6, channels=3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    _, out, _ = generate_here(f"--run_dir={runs['grey']}", "--input=in.mp4", "--output=a.npz")
    assert "in.mp4: pixels are not square (4:3), frames are read as stored\n" in out


def test_a_folder_of_grey_images_for_a_colour_model(runs, generate_here, tmp_path):
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(clip(12)):
        Image.fromarray(frame[..., 0]).save(tmp_path / "in" / f"{number}.png")
    _, out, _ = generate_here(
        f"--run_dir={runs['colour']}", "--input=in", "--first_frame=9", "--output=a.npz"
    )
    assert out.splitlines()[0] == "in: 32 x 32 grey frames, repeated in three channels"
    got = arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(got["conditioning"], clip(12)[9:].repeat(3, axis=-1))
    assert got["frames"].shape == (5, 3, SIZE, SIZE, 3)


# --- what it writes ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".webm"])
def test_truth_and_samples_play_in_step(runs, generate_here, tmp_path, suffix):
    np.save("in.npy", clip(10))
    common = (f"--run_dir={runs['skips']}", "--input=in.npy", "--horizon=4", "--num_samples=2")
    rate = ("--euler_steps=4", "--frames_per_step=2")
    generate_here(*common, *rate, f"--output=a{suffix}")
    generate_here(*common, *rate, "--output=a.npz")
    predicted = arrays(tmp_path / "a.npz")["frames"]
    played = pictures(tmp_path / f"a{suffix}")
    assert len(played) == (NT_COND - 1 + 4) * 2 + 1
    given = [0, 0, 1, 1, 2]  # the first prediction comes half an interval after the last frame

    def assert_shows(picture, column, expected):
        # The encoders of .mp4 and .webm lose a little.
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


def test_real_time_is_kept_at_a_higher_rate(runs, generate_here, tmp_path):
    durations = {}
    for rate in (1, 2):
        generate_here(f"--run_dir={runs['skips']}", f"--frames_per_step={rate}", "--output=a.gif")
        with Image.open(tmp_path / "a.gif") as image:
            durations[rate] = 0
            for index in range(image.n_frames):
                image.seek(index)
                durations[rate] += image.info["duration"]
    # 200 ms an interval; the last frame stays for its own time, half an interval at twice the rate.
    assert durations == {1: 6 * 200, 2: 11 * 100}


def test_the_truth_ends_where_the_input_does(runs, generate_here, tmp_path):
    common = (f"--run_dir={runs['grey']}", "--input=in.npy", "--num_samples=1", "--output=a.gif")
    np.save("in.npy", clip(4))
    generate_here(*common)
    played = pictures(tmp_path / "a.gif")
    assert np.abs(cell(played[3], 0).astype(int) - clip(4)[3]).max() < 8  # 255 colours
    assert (cell(played[4], 0) == 255).all() and (cell(played[5], 0) == 255).all()
    np.save("in.npy", clip(3))
    generate_here(*common)
    played = pictures(tmp_path / "a.gif")
    assert played.shape[2] < 2 * CELL  # no truth, one cell
    assert [bool(border_is_red(picture, 0)) for picture in played] == 3 * [False] + 3 * [True]


def test_timeline_of_one_frame_per_interval():
    observed, truth, predicted = clip(3), clip(8)[3:6], clip(6)[None, 3:] + 1
    videos, conditioning, captions = generation.timeline(
        generation.Futures(observed, truth, predicted, 1)
    )
    np.testing.assert_array_equal(videos[0], np.concatenate([observed, truth]))
    np.testing.assert_array_equal(videos[1], np.concatenate([observed, predicted[0]]))
    assert (conditioning, captions) == ([6, 3], ["truth", "sample 1"])


def test_a_film_strip(runs, generate_here, tmp_path):
    generate_here(f"--run_dir={runs['grey']}", "--output=a.png", "--num_samples=2")
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    green, red = ((picture == colour).all(axis=-1) for colour in (GREEN, RED))
    row = 128 + 2 * 3 + 4  # the truth on top, then two samples
    assert not red[: TOP + row].any() and green[: TOP + row].any(axis=0).sum() > 6 * 128
    for top in (TOP + row + 5, TOP + 2 * row + 5):
        columns = [colour[top : top + 100].any(axis=0).nonzero()[0] for colour in (green, red)]
        assert columns[0].max() < columns[1].min()
        assert np.ptp(columns[0]) == np.ptp(columns[1]) > 3 * 128


# --- how it fails --------------------------------------------------------------------------------


@pytest.fixture
def broken_runs(runs, tmp_path_factory):
    """Name -> a run folder that is none."""
    folder = tmp_path_factory.mktemp("broken")
    names = ("architecture", "json", "values", "untrained", "pickle")
    paths = {name: folder / name for name in names}
    for path in paths.values():
        shutil.copytree(runs["grey"], path)
    tree = json.loads((runs["grey"] / "config.json").read_text())
    tree["model"]["nf"] = 5
    (paths["architecture"] / "config.json").write_text(json.dumps(tree))
    (paths["json"] / "config.json").write_text("{")
    tree["model"]["family"] = "resnet"
    (paths["values"] / "config.json").write_text(json.dumps(tree))
    shutil.rmtree(paths["untrained"] / "checkpoints")
    for checkpoint in (paths["pickle"] / "checkpoints").iterdir():
        checkpoint.write_bytes(b"\x80\x04K\x01.")
    return paths


def assert_refused(outcome, text):
    status, out, err = outcome
    assert status != 0 and out == ""
    assert err.count("\n") == 1 and text in err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("architecture", "belongs to another model"),
        ("json", "broken JSON"),
        ("values", "family"),
        ("untrained", "has no 'last' checkpoint"),
        ("pickle", "damaged or not a checkpoint"),
        ("missing", "is not a run folder"),
    ],
)
def test_folders_that_are_no_runs(broken_runs, generate_here, tmp_path, name, text):
    path = broken_runs.get(name, "missing")
    assert_refused(generate_here(f"--run_dir={path}", "--output=a.npz"), text)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--horizon=0"], "--horizon=0: "),
        (["--num_samples=0"], "--num_samples=0: "),
        (["--euler_steps=0"], "--euler_steps=0: "),
        (["--frames_per_step=0"], "--frames_per_step=0: "),
        (["--seed=-1"], "--seed=-1: "),
        (["--first_frame=-1"], "--first_frame=-1: "),
        (
            ["--first_frame=4"],
            "test video 0 has 2 frames from --first_frame=4 on; the model needs 3",
        ),
        (["--video=5000"], "--video=5000: there are"),
        (["--video=1", "--input=a.mp4"], "leave --input out"),
        (["--frames_per_step=3", "--euler_steps=4"], "does not divide the 4 Euler steps"),
        (["--frames_per_step=2"], "does not divide the 1 Euler steps"),
        (["--frames_per_step=12", "--euler_steps=12"], "at most 50 frames a second"),
        (["--output=a.txt"], "unknown format; use one of .gif"),
        (["--output=a"], "unknown format"),
        (["--output=/proc/nothing/a.gif"], "/proc/nothing/a.gif"),
        (["--output=config.json/a.gif"], "takes no files"),
        (["--output=folder.gif"], "is a folder"),
        (["--input=nothing.mp4"], "nothing.mp4: does not exist"),
        (["--input=config.json"], "config.json: is no video"),
        (["--input=two.npy"], "two.npy has 2 frames; the model needs 3 or more"),
        (["--input=folder.gif"], "holds no image"),
        (["--checkpoint=newest"], "should be one of <last|best>"),
        (["--horizon=some"], "horizon"),
        (["--run_dir="], "--run_dir is missing"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    runs, generate_here, tmp_path, arguments, text
):
    (tmp_path / "folder.gif").mkdir()
    np.save("two.npy", clip(2))
    shutil.copy(runs["grey"] / "config.json", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert_refused(generate_here(f"--run_dir={runs['grey']}", *arguments), text)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_disk_that_is_full_leaves_nothing(runs, generate_here, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    outcome = generate_here(f"--run_dir={runs['grey']}", "--output=a.npz")
    assert_refused(outcome, "cannot write a.npz: No space left on device")
    assert not list(tmp_path.iterdir())
