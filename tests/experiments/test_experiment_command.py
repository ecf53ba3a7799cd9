"""The command of the experiments: which videos it takes, what it writes, how it fails."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from srvp_tf import experiment, experiments
from srvp_tf.config import corpora
from srvp_tf.runs.run_folder import RunFolder, load_model
from tests.cli.commands import outcome, refusal
from tests.experiments.models import varied_run

FEW = ("--num_videos=3", "--num_samples=2", "--long_horizon=8", "--format=npz")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Name -> folder of a run whose model has large weights."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        "grey": varied_run(folder / "grey", "--euler_steps=2"),
        "gru": varied_run(folder / "gru", "--dynamics=gru"),
        "colour": varied_run(folder / "colour", "--dataset=bair", "--channels=3"),
    }


def moving_mnist(run_dir, length, **data):
    """The first three test videos of the run's corpus, with other settings of it."""
    config = RunFolder(run_dir).config()
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, **data))
    videos = corpora.open_corpus(config).test_videos(length=length, num_videos=3)
    return np.stack(list(videos.as_numpy_iterator()))


def test_all_of_them_on_test_videos(runs, tmp_path):
    run_dir = runs["grey"]
    arguments = (f"--run_dir={run_dir}", f"--output_dir={tmp_path}", *FEW)
    status, out, err = outcome(experiment, *arguments)
    assert (status, err) == (0, "")
    reports = {}
    for name in experiment.EXPERIMENTS:
        files = sorted(path.name for path in (tmp_path / name).iterdir())
        assert files == ["results.json", "videos.npz"]
        reports[name] = json.loads((tmp_path / name / "results.json").read_text())
        assert reports[name]["step"] == 7 and reports[name]["checkpoint"] == "last"
    assert len(out.splitlines()) > 20 and "| 1/2, trained |" in out
    model = load_model(run_dir)

    # In between: digits at half the speed, twice as many frames; the model has every second one.
    fine = moving_mnist(run_dir, 11, max_speed=2)
    expected = experiments.measure_frame_rates(model, fine, 3, num_samples=2)
    assert_close(reports["frame_rates"], expected)
    frames = np.load(tmp_path / "frame_rates" / "videos.npz")["frames"]
    np.testing.assert_array_equal(frames[0], fine[0].repeat(2, axis=0)[: frames.shape[1]])

    videos = moving_mnist(run_dir, 4)
    others = videos[[1, 2, 0]]
    swap = experiments.swap_content(model, videos, others)
    measured = experiments.measure_swap(videos, others, swap, background=False)
    assert_close(reports["content_swap"], experiments.summarize_swap(measured))

    videos = moving_mnist(run_dir, 3)
    points = experiments.interpolate_dynamics(model, videos, videos[[1, 2, 0]], horizon=3)
    assert_close(reports["interpolation"]["light"], experiments.measure_interpolation(points))

    videos = moving_mnist(run_dir, 11)
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


def test_the_user_s_own_videos(runs, tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    videos = [rng.integers(0, 256, (length, 32, 32, 1), np.uint8) for length in (13, 11)]
    for path, video in zip(paths, videos, strict=True):
        np.savez(path, frames=video)
    own = (f"--input={paths[0]},{paths[1]}", "--input_rate=2", f"--output_dir={tmp_path / 'out'}")
    status, _, err = outcome(
        experiment,
        f"--run_dir={runs['grey']}",
        *own,
        *FEW,
        "--experiments=frame_rates,long_horizon",
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
    assert not (tmp_path / "out" / "content_swap").exists()


def test_inputs_at_the_model_s_rate_have_no_frames_in_between(runs, tmp_path):
    np.savez(tmp_path / "a.npz", frames=np.zeros((6, 32, 32, 1), np.uint8))
    own = (f"--input={tmp_path / 'a.npz'}", f"--output_dir={tmp_path / 'out'}", "--num_samples=1")
    only = ("--experiments=frame_rates", "--format=gif")
    status, out, _ = outcome(experiment, f"--run_dir={runs['grey']}", *own, *only)
    assert status == 0 and "frames in between are not judged" in out
    with Image.open(tmp_path / "out" / "frame_rates" / "videos.gif") as image:
        assert image.n_frames == (3 - 1) * 4 + 1 + 3 * 4


def test_a_run_that_takes_one_step_per_frame_has_no_other_rates(runs, tmp_path):
    arguments = (f"--run_dir={runs['gru']}", f"--output_dir={tmp_path}", *FEW)
    status, out, _ = outcome(experiment, *arguments)
    assert status == 0 and "no frame_rates" in out and "long horizon: 3 videos" in out
    assert not (tmp_path / "frame_rates").exists()
    line = refusal(experiment, *arguments, "--experiments=frame_rates", untouched=tmp_path)
    assert "--dynamics=gru has no frame_rates" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--run_dir is missing"),
        ("--run_dir=nowhere", "not a run folder"),
        ("--run_dir={grey} --experiments=swap", "name some of frame_rates,content_swap"),
        ("--run_dir={grey} --num_videos=1", "--num_videos=1: "),
        ("--run_dir={grey} --input=a.gif", "content_swap needs two videos"),
        ("--run_dir={grey} --input=a.gif,b.gif --input_rate=3", "--input_rate=3"),
        ("--run_dir={grey} --input=a.gif,b.gif", "a.gif"),
        ("--run_dir={grey} --input=4.npz,3.npz", "3.npz has 3 frames"),
        ("--run_dir={grey} --checkpoint=best", "no 'best' checkpoint"),
        ("--run_dir={grey} --output_dir=4.npz", "is a file"),
        ("--run_dir={colour}", "--data_dir is missing"),
    ],
)
def test_mistakes_are_one_line(runs, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    for length in (4, 3):
        np.savez(f"{length}.npz", frames=np.zeros((length, 32, 32, 1), np.uint8))
    line = refusal(experiment, *arguments.format(**runs).split(), untouched=tmp_path)
    assert message in line
