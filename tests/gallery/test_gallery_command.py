"""`python -m srvp_tf.gallery`: from run folders to the page, and how it fails."""

import json
import re
import shutil
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from srvp_tf import evaluate, gallery
from srvp_tf.config import corpora
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
from srvp_tf.gallery_page import chapters, stored_evaluations
from srvp_tf.gallery_page.folder import DEMO, replacing_gallery
from srvp_tf.metrics.frame_metrics import psnr
from srvp_tf.runs.run_folder import RunFolder, load_model
from srvp_tf.video import to_uint8
from tests.cli.commands import outcome, refusal
from tests.experiments.models import varied_run
from tests.gallery.test_page import Reader
from tests.runs import small_run

NT_COND, NUM_PREDICTED, SIZE = 3, 3, 32  # of the tiny runs
FEW = ("--num_shown=2", "--num_videos=3", "--num_samples=3", "--long_horizon=5")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder of runs, page) of a gallery of an evaluated run, a hostile name and a variant."""
    folder = tmp_path_factory.mktemp("made")
    evaluated = varied_run(folder / "one")
    others = (
        varied_run(folder / "<b>two", "--seed=1"),
        varied_run(folder / "gru", "--dynamics=gru", "--test_length=5"),
    )
    assert outcome(evaluate, f"--run_dir={evaluated}", "--num_samples=4").status == 0
    with replacing_gallery(folder / "a demo & more", DEMO) as demo:
        (demo / "index.html").write_text("demo")
    before = sorted(folder.rglob("*"))
    output = folder / "site"
    compare = f"--compare={others[0]},{others[1]}"
    linked = f"--demo={folder / 'a demo & more'}"
    arguments = (f"--run_dir={evaluated}", compare, f"--output={output}", linked, *FEW)
    assert outcome(gallery, *arguments).status == 0
    after = sorted(path for path in folder.rglob("*") if output not in (path, *path.parents))
    assert after == before  # the run folders are left as they were
    return folder, Reader((output / "index.html").read_text())


def videos(folder, player_id):
    """The videos of a player of the written page: uint8 [clips, ticks, H, W, C], black for none."""
    text = (folder / "site" / "index.html").read_text()
    part = text[text.index(f'id="{player_id}"') :]
    part = part[: part.index('class="transport"')]
    columns = int(re.search(r'data-columns="(\d+)"', part)[1])
    with Image.open(folder / "site" / "sheets" / f"{player_id}.webp") as image:
        sheet = np.asarray(image.convert("RGB"))[..., :1]
    rows = sheet.reshape(len(sheet) // SIZE, SIZE, columns, SIZE, 1).swapaxes(1, 2)
    tiles = np.concatenate([rows.reshape(-1, SIZE, SIZE, 1), np.zeros((1, SIZE, SIZE, 1), "u1")])
    clips = re.findall(r'data-tiles="([^"]*)"', part)
    return [tiles[np.array(clip.split(), int)] for clip in clips]


def samples(folder, name):
    with np.load(folder / "one" / "evaluation" / f"{name}.npz") as archive:
        return archive["samples"]


def test_the_samples_shown_are_those_of_the_evaluation(made):
    folder, _ = made
    shown = videos(folder, "chapter-1-samples-player")
    config = small_run.config()
    corpus = corpora.open_corpus(config)
    truth = np.stack(list(corpus.test_videos(length=6, num_videos=2).as_numpy_iterator()))
    per_row = 7  # the truth, and best, worst and random of two runs
    for video in range(2):
        row = shown[video * per_row :][:per_row]
        np.testing.assert_array_equal(row[0], truth[video])
        for clip, name in zip(row[1:4], ("psnr_best", "psnr_worst", "random_1"), strict=True):
            np.testing.assert_array_equal(clip[:NT_COND], truth[video, :NT_COND])
            np.testing.assert_array_equal(clip[NT_COND:], samples(folder, name)[video])


def test_the_long_forecast_is_the_model_s(made):
    folder, _ = made
    shown = videos(folder, "chapter-1-long-horizon-player")
    model = load_model(folder / "one")
    observed = shown[0][None, :NT_COND]
    expected = to_uint8(model.forecast(observed, 5, video_ids=[0]))[0, 0]
    assert np.abs(shown[1][NT_COND:].astype(int) - expected).max() <= 1
    assert len(shown[1]) == NT_COND + 5


def test_the_curves_average_to_the_results(made):
    folder, reader = made
    report = json.loads((folder / "one" / "evaluation" / "results.json").read_text())
    titles = "".join(reader.text)
    values = [float(x) for x in re.findall(r"\none: ([\d.-]+) \u00b1", titles)]
    values = np.reshape(values, [2, NUM_PREDICTED])
    # The frames that curves are made from have 8 bits.
    for of_metric, name, tolerance in zip(values, ("psnr", "ssim"), (0.03, 0.003), strict=True):
        mean = report["metrics"][name]["mean"]
        assert np.mean(of_metric) == pytest.approx(mean, abs=tolerance)


def test_scores_of_frames_are_those_of_the_metric(made):
    folder, _ = made
    evaluation = stored_evaluations.stored(folder / "one" / "evaluation")
    truth = np.random.default_rng(0).integers(0, 256, (6, 6, SIZE, SIZE, 1), np.uint8)
    batches = [truth[:4], truth[4:]]
    model, baseline = stored_evaluations.frame_scores(evaluation, batches, NT_COND, {"psnr": psnr})
    target = truth[:, NT_COND:] / 255
    predicted = np.minimum((samples(folder, "psnr_best") + 0.5) / 255, 1)
    error = ((target - predicted) ** 2).mean(axis=(2, 3, 4))
    np.testing.assert_allclose(model["psnr"], -10 * np.log10(error), rtol=1e-5)
    error = ((target - truth[:, NT_COND - 1 : NT_COND] / 255) ** 2).mean(axis=(2, 3, 4))
    np.testing.assert_allclose(baseline["psnr"], -10 * np.log10(error), rtol=1e-5)


def test_runs_of_another_test_set_have_a_chapter_of_their_own(made):
    _, reader = made
    text = "".join(reader.text)
    assert reader.faults == []
    assert [a["id"] for a in reader.all("article")] == ["chapter-1", "chapter-2"]
    assert "<b>two" in text and not reader.all("b")
    assert text.count("The noise is the same at all rates") == 1  # one run takes no other steps
    assert "3 videos, best of 3" in text and "6 videos, best of 4" in text


def test_it_takes_the_place_of_an_earlier_one_and_shows_no_more_than_was_evaluated(made, tmp_path):
    site = shutil.copytree(made[0] / "site", tmp_path / "site")
    more = (f"--output={site}", "--long_horizon=5", "--num_shown=9")
    status, _, err = outcome(gallery, f"--run_dir={made[0] / 'one'}", *more)
    assert status == 0 and "6 test videos are shown: the evaluation is of no more" in err
    text = (site / "index.html").read_text()
    assert "The first 6 test videos, not chosen." in text and "chapter-2" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.fixture
def evaluated(made, tmp_path):
    """A run folder with an evaluation of 4 samples."""
    return shutil.copytree(made[0] / "one", tmp_path / "evaluated")


def rewrite(folder, **values):
    report = json.loads((folder / evaluate.REPORT).read_text())
    (folder / evaluate.REPORT).write_text(json.dumps(report | values))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"step": 5}, "step 5, not 7"),
        ({"digits": "idx"}, "digits idx, not embedded"),
        ({"predicted_frames": 9}, "predicted_frames 9, not 3"),
        ({"metrics": {"psnr": {"mean": 20, "ci95": 1}}}, "no ssim"),
        ("no samples", "the evaluation's samples are not there"),
    ],
)
def test_an_evaluation_that_fits_is_taken_another_is_made_anew(
    evaluated, tmp_path, capsys, monkeypatch, change, reason
):
    anew = shutil.copytree(evaluated / "evaluation", tmp_path / "anew")
    rewrite(anew, num_samples=3)
    if change == "no samples":
        (evaluated / "evaluation" / "psnr_best.npz").unlink()
    else:
        rewrite(evaluated / "evaluation", **change)
    monkeypatch.setattr(
        chapters, "evaluate", lambda config, run, path, metrics: shutil.copytree(anew, path)
    )
    few = SimpleNamespace(num_shown=1, num_videos=1, num_samples=3)
    run, scratch = RunFolder(evaluated), tmp_path / "scratch"
    judged = chapters.judged_run("name", run, run.config(), few, ChosenMetrics(), scratch)
    said = f"name: {reason}: judged anew, for this page alone\n" if reason else ""
    assert capsys.readouterr().err == said
    assert judged.evaluation.report["num_samples"] == (3 if reason else 4)
    # A report without its samples still gives the table.
    assert judged.report["num_samples"] == (4 if change in ({}, "no samples") else 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--run_dir=", "--run_dir is missing"),
        ("--run_dir={folder}/none", "not a run folder"),
        ("--num_shown=0", "--num_shown=0"),
        ("--compare={folder}/none", "not a run folder"),
        ("--compare={folder}/empty", "no 'last' checkpoint"),
        ("--output={run}", "no gallery's"),
        ("--output={run}/config.json", "is a file"),
        ("--demo={run}", "is no demo: write one with `python -m export.web`"),
        ("--best_by=ssim --metrics=psnr", "--best_by=ssim"),
        ("--metrics=psnr,lpips --cache_dir={folder}", "lpips"),
        ("--run_dir={folder}/damaged", "evaluate the run again"),
        ("--run_dir={folder}/foreign", "evaluate the run again"),
    ],
)
def test_bad_input_is_one_line_and_nothing_written(made, tmp_path, arguments, message):
    run = made[0] / "gru"
    (tmp_path / "empty").mkdir()
    shutil.copy(run / "config.json", tmp_path / "empty")
    for name, text in (("damaged", '{"metrics": []}'), ("foreign", "\0")):
        shutil.copytree(run, tmp_path / name)
        (tmp_path / name / "evaluation").mkdir()
        (tmp_path / name / "evaluation" / evaluate.REPORT).write_text(text)
    given = arguments.format(folder=tmp_path, run=run).split()
    default = (f"--run_dir={run}", f"--output={tmp_path / 'site'}", *FEW)
    assert message in refusal(gallery, *default, *given, untouched=tmp_path)


def test_a_demo_is_linked(made):
    folder, reader = made
    (address,) = (a["href"] for a in reader.all("a") if not a["href"].startswith("#"))
    assert address == "../a%20demo%20%26%20more/index.html"
    assert (folder / "site" / unquote(address)).read_text() == "demo"


@pytest.mark.parametrize("damage", ["short", "missing", "other"])
def test_damaged_samples_are_named(evaluated, damage):
    evaluation = stored_evaluations.stored(evaluated / "evaluation")
    path = evaluated / "evaluation" / "psnr_best.npz"
    if damage == "short":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "missing":
        path.unlink()
    else:
        np.savez(path, samples=np.zeros((6, 3, SIZE, SIZE, 1), np.float32))
    with pytest.raises(UserError, match=r"psnr_best\.npz cannot be used"):
        next(evaluation.samples("psnr_best", 2))


def test_samples_of_other_videos_are_refused(made):
    evaluation = stored_evaluations.stored(made[0] / "one" / "evaluation")
    truth = np.zeros((6, 7, SIZE, SIZE, 1), np.uint8)
    with pytest.raises(UserError, match="not of these test videos"):
        stored_evaluations.frame_scores(evaluation, [truth], NT_COND, {"psnr": psnr})
