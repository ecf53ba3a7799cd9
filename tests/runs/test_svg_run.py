"""Every command takes a run of SVG as it takes one of SRVP, or says in one line that it cannot."""

import json

import numpy as np
import pytest

import srvp_tf
from export import saved_model, tflite, web
from srvp_tf import evaluate, experiment, gallery, generate, release
from tests.cli.commands import outcome, refusal
from tests.models.small import random_videos
from tests.runs.small_run import SVG


@pytest.fixture(scope="module")
def run(finished):
    return f"--run_dir={finished(*SVG)}"


def done(module, *arguments):
    """The standard output of a command that succeeds."""
    status, out, err = outcome(module, *arguments)
    assert status == 0, err
    return out


def test_evaluate_and_the_gallery_beside_a_run_of_srvp(run, finished, tmp_path):
    results = tmp_path / "results"
    assert "best of 3" in done(evaluate, run, f"--output_dir={results}")
    metrics = json.loads((results / "results.json").read_text())["metrics"]
    assert np.isfinite(metrics["psnr"]["mean"])
    options = ("--num_shown=2", "--num_videos=2", "--num_samples=2", "--long_horizon=8")
    site = f"--output={tmp_path / 'site'}"
    done(gallery, run, f"--compare={finished()}", site, *options, "--metrics=psnr")
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Content swap" in page  # of the run of SRVP
    done(gallery, run, site, *options, "--metrics=psnr")
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Long horizon" in page
    assert not any(x in page for x in ("Content swap", "Frame rates", "Interpolation"))


def test_generate_and_release_and_load(run, tmp_path):
    output = tmp_path / "futures.npz"
    done(generate, run, f"--output={output}", "--num_samples=2", "--horizon=7")
    assert np.load(output)["frames"].shape == (2, 7, 32, 32, 1)
    done(release, run, f"--output_dir={tmp_path / 'given'}")
    model = srvp_tf.load(tmp_path / "given")
    videos = random_videos(model.config, 2, 3)
    model.save(tmp_path / "model.keras")
    futures = [m.forecast(videos, 2) for m in (model, srvp_tf.load(tmp_path / "model.keras"))]
    np.testing.assert_array_equal(*futures)


@pytest.mark.long
def test_exports_agree_with_the_model(run, tmp_path):
    settings = ("--horizon=3", "--conditioning_frames=3")
    out = done(saved_model, run, f"--output_dir={tmp_path / 'served'}", *settings, "--nowarmup")
    assert "predict_single_step" in out and "from float64" in out
    out = done(tflite, run, f"--output={tmp_path / 'svg.tflite'}", *settings)
    assert "predict_single_step" in out and "from float64" in out


def test_experiments_are_those_it_has(run, tmp_path):
    output = f"--output_dir={tmp_path}"
    out = done(experiment, run, output, "--long_horizon=9", "--num_videos=2")
    assert "--model=svg has no frame_rates, content_swap, interpolation" in out
    assert "long horizon: 2 videos" in out


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (experiment, ("--experiments=content_swap",), "--model=svg has no content_swap"),
        (generate, ("--euler_steps=2",), "--euler_steps=2 does not fit --model=svg"),
        (saved_model, ("--euler_steps=2",), "--euler_steps=2 does not fit --model=svg"),
        (web, (), "--model=svg has no content_swap"),
    ],
)
def test_what_it_cannot_do_is_one_line(run, module, arguments, message):
    assert message in refusal(module, run, *arguments)
