"""`python -m srvp_tf.evaluate`: what it writes and prints, the memory it takes, how it fails."""

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
from srvp_tf.metrics.published_results import RESULTS, published_setting
from srvp_tf.metrics.registry import METRICS
from srvp_tf.runs.run_folder import load_model
from tests.cli.commands import outcome, refusal
from tests.experiments.models import varied_run
from tests.metrics.weight_files import weights
from tests.runs import small_run

NUM_VIDEOS, NUM_SAMPLES, NT_COND, LENGTH = 3, 5, 3, 12
SAMPLES = [f"random_{i + 1}" for i in range(NUM_SAMPLES)]
# Two videos at a time: the second batch does not fill up.
FLAGS = ("--num_videos=3", "--num_samples=5", "--test_length=12", "--eval_batch_size=2")
OF_FRAMES = ("psnr", "ssim", "lpips", "identity")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return varied_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """Random weights, in the place of the published ones."""
    folder = tmp_path_factory.mktemp("cache")
    for metric in weight_cache.WITH_WEIGHTS:
        weight_cache.write_weights(metric, weights(metric), "random", folder)
    return folder


@pytest.fixture(scope="module")
def evaluated(run_dir, cache_dir):
    """(The folder of an evaluation by all metrics, its report, what the command printed)."""
    arguments = (f"--run_dir={run_dir}", f"--cache_dir={cache_dir}", *FLAGS)
    status, out, _ = outcome(evaluate, *arguments, f"--metrics={','.join(OF_FRAMES)},fvd")
    assert status == 0
    folder = run_dir / "evaluation"
    return folder, json.loads((folder / "results.json").read_text()), out


@pytest.fixture(scope="module")
def videos():
    """The test videos, float32 in [0, 1]."""
    corpus = corpora.open_corpus(small_run.config())
    shown = corpus.test_videos(length=LENGTH, num_videos=NUM_VIDEOS)
    return np.stack(list(shown.as_numpy_iterator())) / np.float32(255)


@pytest.fixture(scope="module")
def futures(run_dir, videos):
    """What the model predicts, all of it at once."""
    model, seed = load_model(run_dir), small_run.config().eval.eval_seed
    return model.forecast(videos[:, :NT_COND], LENGTH - NT_COND, NUM_SAMPLES, seed).numpy()


def saved(folder, name):
    with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
        return archive["samples"]


def test_the_samples_saved_are_the_model_s(evaluated, futures):
    folder, *_ = evaluated
    names = {path.stem for path in folder.glob("*.npz")}
    extremes = {f"{name}_{end}" for name in OF_FRAMES for end in ("best", "worst")}
    assert names == {*SAMPLES, *extremes, "cond_rec", "results"}
    assert saved(folder, "cond_rec").shape == (NUM_VIDEOS, NT_COND, 32, 32, 1)
    for i, name in enumerate(SAMPLES):
        assert np.abs(saved(folder, name) - np.floor(255 * futures[:, i])).max() <= 1


@pytest.mark.parametrize("name", OF_FRAMES)
def test_the_table_summarises_the_scores_of_the_definition(
    evaluated, cache_dir, videos, futures, name
):
    folder, report, out = evaluated
    with np.load(folder / "results.npz", allow_pickle=False) as results:
        found, means = results[name], results[f"{name}_mean"]
    of_samples = METRICS[name].load(cache_dir)(videos[:, None, NT_COND:], futures).numpy().mean(-1)
    np.testing.assert_allclose(means, of_samples.mean(axis=1), rtol=1e-5)
    assert report["mean_sample"][name]["mean"] == pytest.approx(means.mean(), rel=1e-6)
    judge = {"lpips": np.min, "identity": np.mean}.get(name, np.max)
    np.testing.assert_allclose(found, judge(of_samples, axis=1), rtol=1e-5)
    summary = report["metrics"][name]
    assert summary["mean"] == pytest.approx(found.mean(), rel=1e-6)
    assert summary["ci95"] == pytest.approx(1.96 * found.std() / np.sqrt(NUM_VIDEOS), rel=1e-6)
    assert f"{summary['mean']:.{2 if name == 'psnr' else 4}f} +- " in out
    if name != "identity":  # many samples have the same one
        order = np.argsort(of_samples if name == "lpips" else -of_samples, axis=1)
        for end, index in (("best", order[:, 0]), ("worst", order[:, -1])):
            expected = np.floor(255 * futures[np.arange(NUM_VIDEOS), index])
            assert np.abs(saved(folder, f"{name}_{end}") - expected).max() <= 1
    assert "identity: the mean over the samples, not the best" in out
    assert (report["step"], report["num_videos"]) == (7, NUM_VIDEOS)


def test_fvd_is_that_of_the_samples_that_are_saved(evaluated, cache_dir, videos):
    folder, report, out = evaluated
    features = VideoFeatures(load_i3d(cache_dir))
    given = np.round(255 * videos).astype(np.uint8)
    truth, fvd = features(given), report["metrics"]["fvd"]
    for name, draw in list(zip(SAMPLES, fvd["draws"], strict=True))[::4]:
        with_given = np.concatenate([given[:, :NT_COND], saved(folder, name)], axis=1)
        assert draw == pytest.approx(frechet_distance(truth, features(with_given)), rel=1e-3)
    assert fvd["mean"] == pytest.approx(np.mean(fvd["draws"]))
    assert fvd["ci95"] == pytest.approx(1.96 * np.std(fvd["draws"]) / np.sqrt(5))
    assert f"{fvd['mean']:.0f} +- {fvd['ci95']:.0f}" in out


def test_an_earlier_evaluation_is_replaced_whole(evaluated, run_dir, tmp_path):
    folder = shutil.copytree(evaluated[0], tmp_path / "evaluation")
    few = ("--metrics=psnr", "--num_samples=1", "--num_videos=1", f"--output_dir={folder}")
    assert outcome(evaluate, f"--run_dir={run_dir}", *few).status == 0
    names = ["cond_rec", "psnr_best", "psnr_worst", "random_1", "results"]
    assert sorted(path.stem for path in folder.glob("*.npz")) == names
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation"]


def test_identity_is_for_moving_mnist_alone():
    chosen = ChosenMetrics(("psnr", "identity"))
    chosen.check_corpus(DataConfig())
    with pytest.raises(UserError, match="--metrics=identity is for moving_mnist alone, .* kth"):
        chosen.check_corpus(DataConfig(dataset="kth", data_dir="x"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--run_dir={folder}/none", "not a run folder"),
        ("--run_dir=", "--run_dir is missing"),
        ("--num_samples=0", "--num_samples=0"),
        ("--output_dir={folder}", "choose another --output_dir"),
        ("--output_dir={folder}/mixed", "thesis.tex"),
        ("--digits=idx --digits_dir={folder}/none", "none"),
        ("--run_dir={folder}/empty", "no 'last' checkpoint"),
        ("--run_dir={folder}/broken", "family"),
        ("--metrics=psnr,lpips", "run `python -m srvp_tf.fetch --metric=lpips"),
        ("--metrics=fvd", "run `python -m srvp_tf.fetch --metric=fvd"),
        ("--metrics=psnr,mse", "name some of psnr,ssim,lpips,identity,fvd"),
        ("--metrics=", "name some of"),
        ("--metrics=fvd --cache_dir={cache}", "--test_length=6"),
        (
            "--metrics=fvd --cache_dir={cache} --test_length=11 --fvd_on=predicted",
            "--fvd_on=predicted gives FVD 8 frames",
        ),
        ("--metrics=fvd --cache_dir={cache} --test_length=12 --num_videos=1", "--num_videos of 2"),
    ],
)
def test_bad_input_is_one_line_and_nothing_written(
    run_dir, cache_dir, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.setenv(weight_cache.CACHE_VARIABLE, str(tmp_path / "no_weights"))
    config = (run_dir / "config.json").read_text()
    for name, text in (("empty", config), ("broken", config.replace('"dcgan"', '"resnet"'))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    (tmp_path / "mixed").mkdir()
    for name in ("results.json", "thesis.tex"):
        (tmp_path / "mixed" / name).write_text("mine")
    given = arguments.format(folder=tmp_path, cache=cache_dir).split()
    out = f"--output_dir={tmp_path}/new"
    line = refusal(evaluate, f"--run_dir={run_dir}", out, *given, untouched=tmp_path)
    assert message in line


def test_published_rows_stand_beside_runs_of_the_same_setting_alone(evaluated, capsys):
    assert published_setting(Config()) == "SM-MNIST"
    for changed in ({"num_digits": 1}, {"test_length": 15}, {"motion": "deterministic"}):
        assert published_setting(Config(data=DataConfig(**changed))) is None
    deterministic = DataConfig(motion="deterministic", test_length=100)
    assert published_setting(Config(data=deterministic)) == "deterministic MM"

    summary = {"mean": 17.0, "ci95": 0.25, "videos": 9, "infinite": 0}
    report = evaluated[1] | {"metrics": {name: summary for name in ("psnr", "lpips")}}
    evaluate.print_report(report)
    assert "published" not in capsys.readouterr().out
    rows = [row._asdict() for row in RESULTS["KTH"]]
    evaluate.print_report(report | {"published": {"setting": "KTH", "rows": rows}})
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["this", "run", "17.00", "+-", "0.25", "17.0000", "+-", "0.2500"] in table
    assert ["SRVP", "29.69", "0.0736"] in table and ["SV2P", "28.19", "0.2049"] in table
    # What was measured otherwise stands below a line that says how.
    other = table.index(["published,", "trained", "with", "scheduled", "sampling:"])
    assert other < table.index(["SLAMP", "29.39", "0.0795"])
    assert table.index(["SV2P", "28.19", "0.2049"]) < other


def test_the_mean_sample_is_printed_when_it_is_asked_for(evaluated, capsys):
    summary = {"mean": 17.0, "ci95": 0.25, "videos": 9, "infinite": 0}
    report = evaluated[1] | {"metrics": {"psnr": summary}}
    report["mean_sample"] = {"psnr": summary | {"mean": 15.5}}
    for protocol, best, mean in (("mean_sample", 0, 1), ("both", 1, 1), ("best_of_n", 1, 0)):
        evaluate.print_report(report, protocol)
        out = capsys.readouterr().out
        assert (out.count("17.00 +- 0.25"), out.count("15.50 +- 0.25")) == (best, mean)


@pytest.mark.long
def test_memory_does_not_grow_with_the_number_of_samples(run_dir, cache_dir, tmp_path):
    """Peak resident memory of fresh processes, 10 samples against 100."""
    script = (
        "import resource\n"
        "from srvp_tf import evaluate\n"
        "from srvp_tf.cli import command\n"
        "try:\n"
        "    command.run(evaluate.main, define_flags=evaluate.define_flags)\n"
        "finally:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    many = "--num_videos=16 --eval_batch_size=16 --test_length=25 --metrics=psnr,ssim,lpips".split()
    peaks = []
    for num_samples in (10, 100):
        places = (
            f"--run_dir={run_dir}",
            f"--cache_dir={cache_dir}",
            f"--output_dir={tmp_path}/out",
        )
        command = [sys.executable, "-c", script, *places, *many, f"--num_samples={num_samples}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < 1.1 * peaks[0]
