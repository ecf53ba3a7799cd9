"""What ships is found by name: in Python, and by every command that takes a run."""

import json

import numpy as np
import pytest

import srvp_tf
from srvp_tf import evaluate, experiment, gallery, generate, release
from srvp_tf.config.shipped import shipped_models
from srvp_tf.runs.run_folder import RunFolder, weights_path
from tests.cli.commands import outcome, refusal

NAMES = ["arm", "arm_actions", "mmnist", "smmnist"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_load_without_a_name_lists_what_ships(capsys):
    assert srvp_tf.load() is None
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert "2 digits, stochastic motion, 64 x 64 grey, predicts from 5 frames" in lines[-1]


def test_an_unknown_name_lists_them_too():
    with pytest.raises(srvp_tf.UserError, match="mnist is not a run.*arm, arm_actions, .*smmnist"):
        srvp_tf.load("mnist")


def test_a_name_gives_the_model_of_that_folder():
    by_name, by_path = (srvp_tf.load(run) for run in ("smmnist", shipped_models()["smmnist"]))
    for a, b in zip(by_name.weights, by_path.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert weights_path("smmnist") == weights_path(shipped_models()["smmnist"])


def test_a_run_of_the_users_own_comes_before_a_shipped_one(tmp_path):
    released = tmp_path / "smmnist"
    released.mkdir()
    assert RunFolder.find("smmnist").path == shipped_models()["smmnist"]  # no run in it yet
    released.rmdir()
    release.release(RunFolder.find("mmnist"), released)
    assert RunFolder.find("smmnist").path.resolve() == released
    ours, theirs = (srvp_tf.load(name).weights[0] for name in ("smmnist", "mmnist"))
    np.testing.assert_array_equal(ours, theirs)


def test_sampled_videos_are_those_of_the_test_set():
    from srvp_tf.config.corpora import open_corpus

    config = RunFolder.find("smmnist").config()
    videos = srvp_tf.sample_videos("smmnist", num_videos=3)
    test_set = open_corpus(config).test_videos(length=config.data.test_length, num_videos=5)
    assert videos.shape == (3, 25, 64, 64, 1) and videos.dtype == np.uint8
    np.testing.assert_array_equal(videos, list(test_set.as_numpy_iterator())[:3])
    with pytest.raises(srvp_tf.UserError, match="num_videos=0: give 1 to"):
        srvp_tf.sample_videos("smmnist", num_videos=0)
    with pytest.raises(srvp_tf.UserError, match="mnist is not a run folder"):
        srvp_tf.sample_videos("mnist")


def test_commands_take_the_name_and_write_beside_the_user(tmp_path):
    few = ("--run_dir=smmnist", "--num_videos=2", "--num_samples=2", "--eval_batch_size=2")
    assert outcome(evaluate, *few).status == 0
    report = json.loads((tmp_path / "smmnist/evaluation/results.json").read_text())
    assert report["run"] == "smmnist" and report["num_videos"] == 2


@pytest.mark.parametrize("command", [generate, evaluate, experiment, gallery, release])
def test_a_missing_run_lists_what_ships(command):
    assert "or a shipped model (arm, arm_actions, mmnist, smmnist)" in refusal(command)
