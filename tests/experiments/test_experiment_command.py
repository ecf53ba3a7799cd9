"""The command of the experiments: which videos it takes, what it writes, how it fails."""

import dataclasses
import json

import numpy as np
import pytest
from absl import flags
from PIL import Image

from srvp_tf import experiment, experiments
from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.runs.run_folder import RunFolder, load_model, model_variables
from tests.experiments.models import varied_model
from tests.runs import small_run

VARIANTS = {
    "grey": ("--euler_steps=2",),
    "gru": ("--dynamics=gru",),
    "colour": ("--dataset=bair", "--channels=3"),
}
FEW = ("--num_videos=3", "--num_samples=2", "--long_horizon=8", "--format=npz")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Name -> folder of a run whose model has large weights."""
    folders = {}
    for name, arguments in VARIANTS.items():
        config = small_run.config(*arguments)
        run = RunFolder(tmp_path_factory.mktemp("runs") / name)
        run.create(config)
        run.checkpoints().open()
        model = varied_model(**vars(config.model))
        arrays = {key: np.asarray(value) for key, value in model_variables(model).items()}
        run.checkpoints().save("last", 7, arrays, {"step": 7})
        folders[name] = run.path
    return folders


@pytest.fixture
def run_command(capsys):
    """Run the command: (status, standard output, standard error)."""

    def call(*arguments):
        values = flags.FlagValues()
        experiment.define_flags(values)
        with pytest.raises(SystemExit) as caught:
            command.run(experiment.main, ["experiment", *map(str, arguments)], values)
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return call


def moving_mnist(run_dir, **data):
    """Test videos of the run's corpus, with other settings of it."""
    config = RunFolder(run_dir).config()
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, **data))
    return corpora.open_corpus(config)


def test_all_of_them_on_test_videos(runs, run_command, tmp_path):
    run_dir = runs["grey"]
    status, out, err = run_command(f"--run_dir={run_dir}", f"--output_dir={tmp_path}", *FEW)
    assert (status, err) == (0, "")
    reports = {}
    for name in experiment.EXPERIMENTS:
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == [
            "results.json",
            "videos.npz",
        ]
        reports[name] = json.loads((tmp_path / name / "results.json").read_text())
        assert reports[name]["step"] == 7 and reports[name]["checkpoint"] == "last"
    assert len(out.splitlines()) > 20 and "| 1/2, trained |" in out
    model = load_model(run_dir)

    # In between: digits at half the speed, twice as many frames; the model has every second one.
    fine = moving_mnist(run_dir, max_speed=2).test_videos(length=11, num_videos=3)
    fine = np.stack(list(fine.as_numpy_iterator()))
    expected = experiments.measure_frame_rates(model, fine, 3, num_samples=2)
    assert_close(reports["frame_rates"], expected)
    frames = np.load(tmp_path / "frame_rates" / "videos.npz")["frames"]
    np.testing.assert_array_equal(frames[0], fine[0].repeat(2, axis=0)[: frames.shape[1]])

    videos = moving_mnist(run_dir).test_videos(length=4, num_videos=3)
    videos = np.stack(list(videos.as_numpy_iterator()))
    others = videos[[1, 2, 0]]
    swap = experiments.swap_content(model, videos, others)
    measured = experiments.measure_swap(videos, others, swap, background=False)
    assert_close(reports["content_swap"], experiments.summarize_swap(measured))

    videos = moving_mnist(run_dir).test_videos(length=3, num_videos=3)
    videos = np.stack(list(videos.as_numpy_iterator()))
    points = experiments.interpolate_dynamics(model, videos, videos[[1, 2, 0]], horizon=3)
    assert_close(reports["interpolation"]["light"], experiments.measure_interpolation(points))

    videos = moving_mnist(run_dir).test_videos(length=11, num_videos=3)
    videos = np.stack(list(videos.as_numpy_iterator()))
    expected = experiments.measure_long_horizon(model, videos[:, :3], 8, videos[:, 3:])
    assert_close(reports["long_horizon"], expected)


def assert_close(found, expected):
    """The numbers of `expected` are in `found`, up to the rounding of another batch."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_close(found[name], value)
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    elif isinstance(expected, float):
        # Videos are quantised: a value near a whole number may be rounded the other way.
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)
    else:
        assert found == expected


def test_the_user_s_own_videos(runs, run_command, tmp_path):
    rng = np.random.default_rng(0)
    paths, videos = [], []
    for name, length in (("a", 13), ("b", 11)):
        videos.append(rng.integers(0, 256, (length, 32, 32, 1), np.uint8))
        paths.append(tmp_path / f"{name}.npz")
        np.savez(paths[-1], frames=videos[-1])
    status, out, err = run_command(
        f"--run_dir={runs['grey']}",
        f"--input={paths[0]},{paths[1]}",
        "--input_rate=2",
        f"--output_dir={tmp_path / 'out'}",
        *FEW,
    )
    assert (status, err) == (0, "")
    report = json.loads((tmp_path / "out" / "frame_rates" / "results.json").read_text())
    assert report["inputs"] == [str(path) for path in paths]
    both = np.stack([video[:11] for video in videos])
    model = load_model(runs["grey"])
    assert_close(report, experiments.measure_frame_rates(model, both, 3, num_samples=2))
    # The truth of a long forecast ends with the videos.
    frames = np.load(tmp_path / "out" / "long_horizon" / "videos.npz")["frames"]
    np.testing.assert_array_equal(frames[0, :3], both[0, 6::2])
    assert (frames[0, 3:] == 255).all()


def test_inputs_at_the_model_s_rate_have_no_frames_in_between(runs, run_command, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, frames=np.zeros((6, 32, 32, 1), np.uint8))
    status, out, _ = run_command(
        f"--run_dir={runs['grey']}",
        "--experiments=frame_rates,long_horizon",
        f"--input={path}",
        f"--output_dir={tmp_path / 'out'}",
        "--num_samples=1",
        "--long_horizon=5",
        "--format=gif",
    )
    assert status == 0 and "frames in between are not judged" in out
    with Image.open(tmp_path / "out" / "frame_rates" / "videos.gif") as image:
        assert image.n_frames == (3 - 1) * 4 + 1 + 3 * 4
    assert not (tmp_path / "out" / "content_swap").exists()


def test_a_run_that_takes_one_step_per_frame_has_no_other_rates(runs, run_command, tmp_path):
    arguments = (f"--run_dir={runs['gru']}", f"--output_dir={tmp_path}", *FEW)
    status, out, _ = run_command(*arguments)
    assert status == 0 and "no frame_rates" in out and "long horizon: 3 videos" in out
    assert not (tmp_path / "frame_rates").exists()
    status, out, err = run_command(*arguments, "--experiments=frame_rates")
    assert status == 1 and "one step per frame" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--run_dir is missing"),
        (("--run_dir=nowhere",), "not a run folder"),
        (("--run_dir={run}", "--experiments=swap"), "name some of frame_rates,content_swap"),
        (("--run_dir={run}", "--num_videos=1"), "--num_videos=1: "),
        (("--run_dir={run}", "--input=a.gif"), "content_swap needs two videos"),
        (("--run_dir={run}", "--input=a.gif,b.gif", "--input_rate=3"), "--input_rate=3"),
        (("--run_dir={run}", "--input=a.gif,b.gif"), "a.gif"),
        (("--run_dir={run}", "--checkpoint=best"), "no 'best' checkpoint"),
        (("--run_dir={run}", "--output_dir={file}"), "is a file"),
        (("--run_dir={colour}",), "--data_dir is missing"),
    ],
)
def test_mistakes_are_one_line(runs, run_command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file"
    file.write_text("kept")
    places = {"run": runs["grey"], "colour": runs["colour"], "file": file}
    status, _, err = run_command(*(argument.format(**places) for argument in arguments))
    assert status in (1, 2) and message in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_too_short_an_input(runs, run_command, tmp_path):
    for name, length in (("a", 4), ("b", 3)):
        np.savez(tmp_path / f"{name}.npz", frames=np.zeros((length, 32, 32, 1), np.uint8))
    paths = f"{tmp_path / 'a.npz'},{tmp_path / 'b.npz'}"
    out = tmp_path / "out"
    status, _, err = run_command(
        f"--run_dir={runs['grey']}", f"--input={paths}", f"--output_dir={out}"
    )
    assert status == 1 and "b.npz has 3 frames" in err and not out.exists()
