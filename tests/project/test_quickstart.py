import re

import numpy as np
import pytest
from absl import flags
from PIL import Image

from srvp_tf import quickstart
from srvp_tf.cli import command
from srvp_tf.config import Config, corpora
from srvp_tf.evaluation import beside_baselines
from srvp_tf.evaluation.beside_baselines import Score
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs.run_folder import load_weights
from tests.runs import small_run
from tests.runs.small_run import FLAGS


def psnr(target, prediction):
    """10 log10(1 / mse), one error over all pixels."""
    return 10 * np.log10(1 / np.mean((target - prediction.astype(np.float64)) ** 2))


@pytest.fixture(scope="module")
def judged(tmp_path_factory, finished):
    """(config, test videos in [0, 1], number of videos, scores, path of the GIF)."""
    c = small_run.config()
    gif = tmp_path_factory.mktemp("judged") / "q.gif"
    num_videos, scores = beside_baselines.judge(c, finished(), str(gif))
    videos = corpora.open_corpus(c).test_videos(length=6, num_videos=6)
    truth = np.stack([*videos.as_numpy_iterator()]) / 255.0
    return c, truth, num_videos, {score.method: score for score in scores}, gif


def test_baselines_are_those_of_numpy(judged):
    c, truth, num_videos, scores, _ = judged
    assert num_videos == len(truth) == 6
    clips = corpora.open_corpus(c).training_batches(length=4, batch_size=1000, seed=0)
    frames = {
        "last frame": truth[:, 2:3],
        "mean of the conditioning frames": truth[:, :3].mean(axis=1, keepdims=True),
        "mean frame of the training set": next(clips.as_numpy_iterator()).mean(axis=(0, 1)) / 255.0,
    }
    target = truth[:, 3:]
    for name, frame in frames.items():
        expected = psnr(target, np.broadcast_to(frame, target.shape))
        np.testing.assert_allclose(scores[name].psnr, expected, rtol=1e-5)


def test_the_models_score_is_the_best_of_its_samples(judged, finished):
    c, truth, _, scores, _ = judged
    model = SRVP(c.model)
    load_weights(model, finished())
    # All videos at once, where the command takes them by fours.
    samples = model.forecast((truth[:, :3]).astype(np.float32), 3, 3, seed=0).numpy()
    error = ((samples - truth[:, None, 3:]) ** 2).mean(axis=(2, 3, 4, 5))
    best = samples[np.arange(6), error.argmin(axis=1)]
    np.testing.assert_allclose(scores["SRVP"].psnr, psnr(truth[:, 3:], best), rtol=1e-5)


def test_the_gif_has_every_frame(judged):
    with Image.open(judged[4]) as gif:
        assert gif.n_frames == 6


def test_the_table_is_sorted_and_tells_the_margin(capsys):
    scores = [Score("SRVP", 18.5, 0.8), Score("a", 15.0, 0.9), Score("b", 17.25, 0.7)]
    beside_baselines.print_table(scores, 64, Config())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("64 test videos of digits never seen, 20 frames predicted from 5")
    assert [line.split()[0] for line in lines[3:6]] == ["SRVP", "b", "a"]
    assert lines[3].split() == ["SRVP", "18.50", "0.8000"]
    assert lines[6] == "+1.25 dB over the best baseline"


def outcome(capsys, *arguments):
    values = flags.FlagValues()
    quickstart.define_flags(values)
    with pytest.raises(SystemExit) as caught:
        command.run(
            quickstart.main,
            ["quickstart", *FLAGS, *arguments],
            values,
            default_flagfile=quickstart.FLAGFILE,
        )
    captured = capsys.readouterr()
    return caught.value.code or 0, captured.out, captured.err


def test_the_command_trains_judges_and_says_what_is_next(capsys, tmp_path):
    run_dir = tmp_path / "run"
    status, out, err = outcome(capsys, f"--run_dir={run_dir}")
    assert status == 0 and err == ""
    first = re.escape(f"training 12 steps on Moving MNIST into {run_dir}, about ")
    assert re.match(first + r"\d+ min here\n", out)
    assert "6 test videos" in out and "next: train a published setting" in out
    assert (run_dir / "quickstart.gif").is_file()
    # Judged in another way without training again.
    status, out, err = outcome(capsys, f"--run_dir={run_dir}", "--num_videos=5")
    assert status == 0 and err == "" and "5 test videos" in out and "step 12/12" not in out


def test_a_test_set_that_is_too_small_is_found_before_training(capsys, tmp_path):
    status, out, err = outcome(capsys, f"--run_dir={tmp_path}/run", "--num_videos=9999")
    assert status == 1 and out == "" and err.count("\n") == 1 and "num_videos is 9999" in err
    assert not list(tmp_path.iterdir())
