"""The golden check: it passes on the authors' values and notices one that is wrong."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.moving_mnist.test_set import official_videos
from data_pipelines.moving_mnist.trajectories import render_digits, trajectory
from tests.golden import check as golden_check

FOLDER = Path(__file__).parents[1] / "data" / "golden"
FILES = sorted(FOLDER.glob("*.npz"))
assert len(FILES) == 8


def load(name):
    with np.load(FOLDER / name, allow_pickle=False) as archive:
        return dict(archive)


# The second file of a family takes as long as the first, and the same code.
LONG = {"vgg_skip_gray", "svg_vgg_color"}
CASES = [pytest.param(x, marks=[pytest.mark.long] * (x.stem in LONG), id=x.stem) for x in FILES]


@pytest.mark.parametrize("path", CASES)
def test_everything_is_within_tolerance(path, capsys):
    assert golden_check.main([str(path)]) == 0
    assert "all within tolerance" in capsys.readouterr().out


def altered(array, error):
    """The array with the last of its largest elements lowered by `error`, relative to itself."""
    array = array.copy()
    where = np.argwhere(np.abs(array) == np.abs(array).max())[-1]
    array[tuple(where)] = array[tuple(where)] * (1 - error)
    return array


@pytest.mark.parametrize(
    "name, key, error",
    [
        ("dcgan_gray.npz", "predict/x", 1e-3),
        ("metrics.npz", "ssim", 1e-5),
        ("metrics.npz", "frechet", 1e-5),
        ("moving_mnist.npz", "stochastic/clips", 0.01),
        ("moving_mnist.npz", "deterministic/trajectories", 0.01),
    ],
)
def test_one_value_out_of_tolerance_is_found_and_named(tmp_path, capsys, name, key, error):
    golden = load(name)
    golden[key] = altered(golden[key], error)
    path = tmp_path / name
    np.savez(path, **golden)
    right = FOLDER / "metrics.npz"  # does not make up for the wrong one
    assert golden_check.main([str(path), str(right)]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAILED")]
    assert failed and all(line.startswith(f"FAILED {path}: {key}") for line in failed)


@pytest.mark.parametrize("name", ["missing", "text", "foreign", "pickled", "cut"])
def test_a_file_that_cannot_be_read_gives_2(tmp_path, capsys, name):
    whole = (FOLDER / "metrics.npz").read_bytes()
    (tmp_path / "text.npz").write_text("weights")
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "foreign.npz", apples=np.ones(3))
    np.savez(tmp_path / "pickled.npz", config=np.array([{}], object))
    path = tmp_path / f"{name}.npz"
    assert golden_check.main([str(path)]) == 2
    assert capsys.readouterr().err.startswith(str(path))


def test_no_file_is_a_usage_error(capsys):
    assert golden_check.main([]) == 2
    assert capsys.readouterr().err.startswith("usage:")


def test_moving_mnist_of_another_seed_passes(tmp_path):
    golden = load("moving_mnist.npz")
    for i, motion in enumerate(("stochastic", "deterministic")):
        for name, speed in (("trajectories", 4), ("trajectories_speed9", 9)):
            rng = np.random.RandomState(1000 + i + speed)
            options = {"max_speed": speed, "deterministic": motion == "deterministic"}
            paths = [trajectory(rng, 25, **options) for _ in range(40)]
            golden[f"{motion}/{name}"] = np.stack(paths)
    rng = np.random.RandomState(321)
    clips = []
    for _ in range(5):
        indices, paths = [], []
        for _ in range(2):
            indices.append(rng.randint(20))
            paths.append(trajectory(rng, 12))
        clips.append(render_digits(golden["digits"][indices], np.stack(paths)))
    golden["stochastic/clips"] = np.stack(clips)
    golden["test_set/videos"] = np.stack(list(official_videos(golden["digits"], 25, seed=77)))
    path = tmp_path / "other_seed.npz"
    np.savez(path, **golden)
    assert golden_check.main([str(path)]) == 0
