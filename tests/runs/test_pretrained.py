"""The models that ship are whole, and have learnt."""

from pathlib import Path

import numpy as np
import pytest

from srvp_tf.config import corpora
from srvp_tf.metrics import baselines
from srvp_tf.runs.run_folder import RunFolder, load_model

FOLDER = Path(__file__).parents[2] / "pretrained"
RUNS = sorted(path.parent.name for path in FOLDER.glob("*/config.json"))
ARM = Path(__file__).parents[1] / "data" / "arm.npz"
"""Three test videos of `python -m tests.corpora.bair`, the simulated arm, with their actions."""

GAIN = {"arm": (0.25, 2.5), "arm_actions": (7.0, 9.0), "mmnist": (3.0, 3.5), "smmnist": (1.5, 3.0)}
"""Over repeating the last frame in the next ten, dB of the pooled error: one sample, the best."""

NUM_SAMPLES = 10


def test_there_are_some_each_of_8_mb_at_most():
    assert list(GAIN) == RUNS
    card = (FOLDER / "README.md").read_text()
    for name in RUNS:
        assert f"`{name}`" in card
        files = [path for path in (FOLDER / name).rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 8e6


@pytest.mark.parametrize("name", RUNS)
def test_it_beats_the_last_frame_on_videos_never_seen(name):
    config = RunFolder(FOLDER / name).config()
    nt_cond, horizon, given = config.data.nt_cond, 10, {}
    if config.data.dataset == "bair":
        stored = np.load(ARM)
        videos = stored["videos"][:, : nt_cond + horizon]
        if config.model.action_size:
            given["actions"] = stored["actions"][:, : nt_cond + horizon - 1]
    else:
        test_set = corpora.open_corpus(config).test_videos(length=nt_cond + horizon, num_videos=8)
        videos = np.stack(list(test_set.as_numpy_iterator()))
    truth = videos.astype(np.float32) / 255.0
    one, best, last_frame = (baselines.PooledPSNR() for _ in range(3))
    model = load_model(FOLDER / name)
    samples = model.forecast(videos[:, :nt_cond], horizon, NUM_SAMPLES, seed=0, **given).numpy()
    error = np.mean((samples - truth[:, None, nt_cond:]) ** 2, axis=(2, 3, 4, 5))
    one.update(truth[:, nt_cond:], samples[:, 0])
    best.update(truth[:, nt_cond:], samples[np.arange(len(videos)), error.argmin(1)])
    last_frame.update(truth[:, nt_cond:], baselines.last_frame(truth, nt_cond))
    for ours, gain in zip((one, best), GAIN[name], strict=True):
        assert ours.result() > last_frame.result() + gain
