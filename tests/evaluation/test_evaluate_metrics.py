"""`python -m srvp_tf.evaluate --metrics=...`: LPIPS, FVD, published rows; the memory it takes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from srvp_tf import evaluate
from srvp_tf.config import Config, DataConfig, corpora
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
from srvp_tf.metrics import weight_cache
from srvp_tf.metrics.frechet import frechet_distance
from srvp_tf.metrics.fvd import VideoFeatures
from srvp_tf.metrics.i3d import load_i3d
from srvp_tf.metrics.lpips import load_lpips
from srvp_tf.metrics.published_results import RESULTS, published_setting
from srvp_tf.metrics.registry import METRICS
from tests.evaluation.evaluate_run import run
from tests.metrics.weight_files import weights
from tests.runs import small_run


@pytest.fixture
def run_dir(tmp_path, finished):
    return shutil.copytree(finished(), tmp_path / "run")


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """Random weights, in the place of the published ones."""
    folder = tmp_path_factory.mktemp("cache")
    for metric in weight_cache.WITH_WEIGHTS:
        arrays = weights(metric)
        weight_cache.write_weights(metric, arrays, "random", folder)
    return folder


@pytest.mark.parametrize("fvd_on", ["all", pytest.param("predicted", marks=pytest.mark.long)])
def test_lpips_and_fvd_are_those_of_the_samples_that_are_saved(run_dir, cache_dir, capsys, fvd_on):
    arguments = ["--metrics=fvd,lpips", f"--fvd_on={fvd_on}", f"--cache_dir={cache_dir}"]
    arguments += ["--num_samples=5", "--test_length=12", "--num_videos=3", "--eval_batch_size=2"]
    assert run(f"--run_dir={run_dir}", *arguments) == 0
    printed = capsys.readouterr().out
    folder = run_dir / "evaluation"
    report = json.loads((folder / "results.json").read_text())
    assert sorted(report["metrics"]) == ["fvd", "lpips"]

    config = small_run.config("--test_length=12")
    test_videos = corpora.open_corpus(config).test_videos(length=12, num_videos=3)
    videos = np.stack(list(test_videos.as_numpy_iterator()))
    names = [f"random_{i}" for i in range(1, 6)]
    saved = [np.load(folder / f"{name}.npz")["samples"] for name in [*names, "lpips_best"]]

    start = {"all": 0, "predicted": 3}[fvd_on]
    features = VideoFeatures(load_i3d(cache_dir))
    truth = features(videos[:, start:])
    expected = [
        frechet_distance(truth, features(np.concatenate([videos[:, start:3], x], axis=1)))
        for x in saved[:5]
    ]
    fvd = report["metrics"]["fvd"]
    np.testing.assert_allclose(fvd["draws"], expected, rtol=1e-3)
    assert fvd["mean"] == pytest.approx(np.mean(fvd["draws"]))
    assert fvd["ci95"] == pytest.approx(1.96 * np.std(fvd["draws"]) / np.sqrt(5))
    assert f"{fvd['mean']:.0f} +- {fvd['ci95']:.0f}" in printed

    score, target = load_lpips(cache_dir).score, videos[:, 3:] / np.float32(255)
    of_samples = [score(target, x / np.float32(255)).numpy().mean(axis=1) for x in saved]
    # The saved samples are quantised, those that were scored were not.
    best = np.min(of_samples[:5], axis=0)
    np.testing.assert_allclose(of_samples[5], best, rtol=0.05)
    assert report["metrics"]["lpips"]["mean"] == pytest.approx(best.mean(), rel=0.05)


def test_identity_is_the_mean_over_samples(run_dir, capsys):
    arguments = ["--metrics=psnr,identity", "--num_samples=4", "--num_videos=3"]
    assert run(f"--run_dir={run_dir}", *arguments) == 0
    assert "identity: the mean over the samples, not the best" in capsys.readouterr().out
    folder = run_dir / "evaluation"
    with np.load(folder / "results.npz") as results:
        scores = results["identity"]
    config = small_run.config()
    length = config.data.test_length
    videos = corpora.open_corpus(config).test_videos(length=length, num_videos=3)
    videos = np.stack(list(videos.as_numpy_iterator())) / np.float32(255)
    nt_cond = config.data.nt_cond
    samples = [np.load(folder / f"random_{i}.npz")["samples"] for i in range(1, 5)]
    score = METRICS["identity"].load(None)
    expected = [score(videos[:, nt_cond:], x / np.float32(255)).numpy().mean(1) for x in samples]
    np.testing.assert_allclose(scores, np.mean(expected, axis=0), atol=0.1)


def test_identity_is_for_moving_mnist_alone():
    chosen = ChosenMetrics(("psnr", "identity"))
    chosen.check_corpus(DataConfig())
    with pytest.raises(UserError, match="--metrics=identity is for moving_mnist alone, .* kth"):
        chosen.check_corpus(DataConfig(dataset="kth", data_dir="x"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics=psnr,lpips"], "run `python -m srvp_tf.fetch --metric=lpips"),
        (["--metrics=fvd"], "run `python -m srvp_tf.fetch --metric=fvd"),
        (["--metrics=psnr,mse"], "name some of psnr,ssim,lpips,identity,fvd"),
        (["--metrics="], "name some of"),
        (["--metrics=fvd", "--cache_dir={cache}"], "--test_length=6"),
        (
            ["--metrics=fvd", "--cache_dir={cache}", "--test_length=11", "--fvd_on=predicted"],
            "--fvd_on=predicted gives FVD 8 frames",
        ),
        (
            ["--metrics=fvd", "--cache_dir={cache}", "--test_length=12", "--num_videos=1"],
            "--num_videos of 2",
        ),
    ],
)
def test_what_metrics_lack_is_said_before_any_work(
    run_dir, cache_dir, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.setenv(weight_cache.CACHE_VARIABLE, str(tmp_path / "empty"))
    before = sorted(tmp_path.rglob("*"))
    arguments = [argument.format(cache=cache_dir) for argument in arguments]
    assert run(f"--run_dir={run_dir}", *arguments) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and message in error[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_published_rows_stand_beside_runs_of_the_same_setting_alone(capsys):
    config = Config()
    assert published_setting(config) == "SM-MNIST"
    for changed in ({"num_digits": 1}, {"test_length": 15}, {"motion": "deterministic"}):
        other = Config(data=DataConfig(**changed))
        assert published_setting(other) is None
    deterministic = DataConfig(motion="deterministic", test_length=100)
    assert published_setting(Config(data=deterministic)) == "deterministic MM"

    summary = {"mean": 17.0, "ci95": 0.25, "videos": 9, "infinite": 0}
    report = {
        "run": "r",
        "checkpoint": "last",
        "step": 1,
        "num_videos": 9,
        "num_samples": 100,
        "conditioning_frames": 10,
        "predicted_frames": 30,
        "dataset": "kth",
        "digits": "embedded",
        "metrics": {name: summary for name in ("psnr", "lpips")},
    }
    evaluate.print_report(report)
    assert "published" not in capsys.readouterr().out
    rows = [row._asdict() for row in RESULTS["KTH"]]
    evaluate.print_report(report | {"published": {"setting": "KTH", "rows": rows}})
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["this", "run", "17.00", "+-", "0.25", "17.0000", "+-", "0.2500"] in table
    assert ["SRVP", "29.69", "0.0736"] in table and ["SV2P", "28.19", "0.2049"] in table


@pytest.mark.long
def test_memory_does_not_grow_with_the_number_of_samples(run_dir, cache_dir):
    """Peak resident memory of fresh processes, 10 samples against 100."""
    script = (
        "import resource, sys\n"
        "from absl import flags\n"
        "from srvp_tf import evaluate\n"
        "from srvp_tf.cli import command\n"
        "evaluate.define_flags(flags.FLAGS)\n"
        "try:\n"
        "    command.run(evaluate.main)\n"
        "finally:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for num_samples in (10, 100):
        arguments = [
            f"--run_dir={run_dir}",
            "--num_videos=16",
            "--eval_batch_size=16",
            "--test_length=25",
            "--metrics=psnr,ssim,lpips",
            f"--cache_dir={cache_dir}",
            f"--num_samples={num_samples}",
            f"--output_dir={run_dir}/out{num_samples}",
        ]
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < 1.1 * peaks[0]
