"""A run with actions from videos and tables to figures: prepare, train, resume, judge, generate."""

import json
import shutil

import numpy as np
import pytest

from data_pipelines.corpora.preparation import make_builder, prepare
from srvp_tf import evaluate, gallery, generate
from srvp_tf.config.corpora import open_corpus
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder, load_model
from srvp_tf.train import train
from tests.cli.commands import outcome, refusal
from tests.corpora.encoding import write_video
from tests.runs import small_run

SIZE, LENGTH = 32, 9
FLAGS = ("--dataset=video_folder", "--channels=1", "--action_size=2", "--num_videos=4")


def square(place):
    """A bright square whose corner is at a place, in pixels of a frame that is a torus."""
    frame = np.zeros((SIZE, SIZE), np.uint8)
    frame[:10, :10] = 255
    return np.roll(frame, np.rint(place).astype(int), axis=(0, 1))


def make_videos(folder, count=24):
    """Videos of a square that moves as its actions say, which are whole pixels times ten."""
    rng = np.random.default_rng(0)
    for index in range(count):
        part = "test" if index < 6 else "train"
        ways = rng.integers(-4, 5, (LENGTH - 1, 2))
        places = np.concatenate([rng.integers(0, SIZE, (1, 2)), ways]).cumsum(axis=0)
        path = folder / part / f"clip_{index:02d}.mkv"
        write_video(path, map(square, places))
        table = "\n".join(["down,right", *(f"{10 * y},{10 * x}" for y, x in ways)])
        (path.parent / f"{path.stem}.actions.csv").write_text(table + "\n")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    make_videos(folder)
    return folder


@pytest.fixture(scope="module")
def data_dir(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    options = {"channels": 1, "min_frames": 5}
    assert prepare(make_builder("video_folder", folder, SIZE, **options), source, workers=1) == 0
    return folder


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "squares"
    assert train(small_run.config(*FLAGS, f"--data_dir={data_dir}"), folder) is None
    return folder


def test_the_run_keeps_the_scale_of_the_raw_actions(run, data_dir):
    model, corpus = load_model(run), open_corpus(RunFolder(run).config())
    rows = np.concatenate([v["actions"] for v in corpus.training_batches(
        length=4, batch_size=512, seed=0).take(1).as_numpy_iterator()])  # fmt: skip
    assert np.abs(rows).max() == 40  # as the tables have them
    np.testing.assert_allclose(model.action_mean, corpus.action_mean, rtol=1e-6)
    np.testing.assert_allclose(model.action_scale, corpus.action_scale, rtol=1e-6)
    assert 20 < model.action_scale.numpy().min() < 30  # of -40, -30, ..., 40: 25.8


@pytest.mark.long
def test_it_resumes_bit_equal(run, data_dir, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(run, again)
    RunFolder(again).checkpoint_path("last").unlink()  # that of step 12
    assert RunFolder(again).checkpoints().newest_step() < 12
    assert train(small_run.config(*FLAGS, f"--data_dir={data_dir}"), again) is None
    for ours, theirs in zip(*(load_model(x, "last").weights for x in (again, run)), strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


@pytest.mark.parametrize("actions", ["true", "zero", "shuffled"])
def test_evaluate_with_true_and_other_actions(run, actions):
    status, out, _ = outcome(evaluate, f"--run_dir={run}", f"--actions={actions}")
    assert status == 0
    name = "evaluation" if actions == "true" else f"evaluation_{actions}"
    report = json.loads((run / name / "results.json").read_text())
    assert report["actions"] == actions and report["num_videos"] == 4
    assert f"{actions} actions" in out


def test_other_actions_are_those_of_another_video_or_zeros(run):
    from srvp_tf.evaluation.protocol import with_actions

    corpus = open_corpus(RunFolder(run).config())
    videos = corpus.test_videos(length=6, num_videos=5)
    true, zero, shuffled = (
        list(with_actions(videos, kind).as_numpy_iterator())
        for kind in ("true", "zero", "shuffled")
    )
    for index, video in enumerate(true):
        for other in (zero, shuffled):
            np.testing.assert_array_equal(other[index]["frames"], video["frames"])
        assert not zero[index]["actions"].any()
        sources = [np.array_equal(shuffled[index]["actions"], v["actions"]) for v in true]
        assert sum(sources) == 1 and not sources[index]


def test_generate_with_plans(run, source, tmp_path):
    plan, video = tmp_path / "plan.csv", next((source / "test").glob("*.mkv"))

    def frames(*arguments):
        output = tmp_path / "out.npz"
        flags = f"--run_dir={run}", f"--output={output}", "--num_samples=2", "--horizon=3"
        assert outcome(generate, *flags, *arguments).status == 0
        return np.load(output)["frames"]

    own = frames(f"--input={video}")  # its own actions lie beside it
    rows = (video.parent / f"{video.stem}.actions.csv").read_text().splitlines()
    plan.write_text("\n".join([rows[0], *rows[3:6]]))  # after those of three frames
    np.testing.assert_array_equal(frames(f"--input={video}", f"--actions={plan}"), own)
    plan.write_text("\n".join(rows[:6]))
    np.testing.assert_array_equal(frames(f"--input={video}", f"--actions={plan}"), own)
    turned = "\n".join(",".join(reversed(row.split(","))) for row in rows[:6])
    plan.write_text(turned)  # right,down: columns are known by their names
    np.testing.assert_array_equal(frames(f"--input={video}", f"--actions={plan}"), own)
    np.save(tmp_path / "plan.npy", np.full((3, 2), 40.0))
    other = frames(f"--input={video}", f"--actions={tmp_path / 'plan.npy'}")
    assert other.shape == own.shape
    assert frames("--video=1").shape == own.shape  # a test video has them too


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("down,right\n1,2\n", "have 1 rows of 2 columns; predicting 3 frames takes 3 or 5 rows"),
        ("a\n1\n1\n1\n", "has columns a, the corpus down, right"),
        ("down,right\n1,2\n1,x\n1,2\n", "row 2, column right"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_line(run, tmp_path, rows, line):
    (tmp_path / "plan.csv").write_text(rows)
    flags = f"--run_dir={run}", "--horizon=3", f"--output={tmp_path / 'out.npz'}"
    assert line in refusal(generate, *flags, f"--actions={tmp_path / 'plan.csv'}")


def test_the_gallery_asks_what_if(run, tmp_path):
    output = tmp_path / "gallery"
    few = "--num_shown=2", "--num_videos=3", "--num_samples=2"
    assert outcome(gallery, f"--run_dir={run}", f"--output={output}", *few).status == 0
    page = (output / "index.html").read_text()
    for caption in ("What if", "as it was done", "down high", "right low"):
        assert caption in page


def test_settings_that_do_not_fit_the_corpus_are_one_line(data_dir):
    flags = [flag for flag in FLAGS if "action" not in flag]
    with pytest.raises(UserError, match=r"has 2 columns \(down, right\), 0 of"):
        open_corpus(small_run.config(*flags, "--action_size=3", f"--data_dir={data_dir}"))
    with pytest.raises(UserError, match="moving_mnist has no actions"):
        open_corpus(small_run.config("--action_size=3"))
    with pytest.raises(UserError, match="--state_size=2 is not less than --action_size=2"):
        small_run.config(*FLAGS, "--state_size=2")
    without = open_corpus(small_run.config(*flags, f"--data_dir={data_dir}"))
    spec = without.training_batches(length=4, batch_size=2, seed=0).element_spec
    assert spec.shape == (2, 4, SIZE, SIZE, 1)
