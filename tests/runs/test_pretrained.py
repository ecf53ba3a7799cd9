"""The models that ship are whole, and have learnt."""

from pathlib import Path

import numpy as np
import pytest

from srvp_tf.config import corpora
from srvp_tf.metrics import baselines
from srvp_tf.runs.run_folder import RunFolder, load_model

FOLDER = Path(__file__).parents[2] / "pretrained"
RUNS = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))


def test_there_are_some():
    assert RUNS == ["mmnist_one_digit", "smmnist"]
    card = (FOLDER / "README.md").read_text()
    assert all(f"`{name}`" in card for name in RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_it_beats_the_last_frame_on_digits_never_seen(name):
    config = RunFolder(FOLDER / name).config()
    data = config.data
    videos = corpora.open_corpus(config).test_videos(length=data.test_length, num_videos=8)
    videos = np.stack(list(videos.as_numpy_iterator()))
    truth = videos.astype(np.float32) / 255.0
    target, horizon = truth[:, data.nt_cond :], data.test_length - data.nt_cond
    ours, last_frame = baselines.PooledPSNR(), baselines.PooledPSNR()
    samples = load_model(FOLDER / name).forecast(videos[:, : data.nt_cond], horizon, 4, seed=0)
    ours.update(target, samples.numpy()[:, 0])
    last_frame.update(target, baselines.last_frame(truth, data.nt_cond))
    assert ours.result() > last_frame.result() + 1.0  # dB
