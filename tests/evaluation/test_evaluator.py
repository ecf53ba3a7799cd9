"""The protocol: one table however the test set is cut, and that of its definition."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.evaluation.evaluator import Evaluator
from srvp_tf.evaluation.sample_store import SampleStore
from srvp_tf.metrics.best_of import best_of
from srvp_tf.metrics.frame_metrics import psnr, ssim
from srvp_tf.models.srvp import SRVP
from srvp_tf.training.strategy import mirrored_strategy
from tests.models.small import random_videos, small_config

NT_COND, NUM_FRAMES, NUM_SAMPLES, NUM_VIDEOS, SEED = 3, 6, 4, 8, 11
CONFIG = small_config(family="vgg", skips=True)


@pytest.fixture(scope="module")
def videos():
    return random_videos(CONFIG, NUM_VIDEOS, NUM_FRAMES)


def evaluate(videos, batch_size, num_devices):
    """Best scores and kept samples of all videos, judged in batches on so many devices."""
    strategy = mirrored_strategy(*(f"/device:CPU:{i}" for i in range(num_devices)))
    with strategy.scope():
        model = SRVP(CONFIG, seed=1)
    evaluator = Evaluator(model, NT_COND, NUM_FRAMES, NUM_SAMPLES, SEED, strategy)
    results = [
        evaluator.run(videos[first : first + batch_size], first)
        for first in range(0, len(videos), batch_size)
    ]
    return tuple(
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*((result.scores, result.samples) for result in results), strict=True)
    )


@pytest.fixture(scope="module")
def whole(videos):
    return evaluate(videos, NUM_VIDEOS, 1)


@pytest.mark.parametrize(("batch_size", "num_devices"), [(1, 1), (4, 2)])
def test_pieces_and_devices_give_the_same_table(videos, whole, batch_size, num_devices):
    scores, samples = evaluate(videos, batch_size, num_devices)
    for name, expected in whole[0].items():
        np.testing.assert_allclose(scores[name], expected, rtol=1e-5)
    for name, expected in whole[1].items():
        # Truncation to uint8 turns a rounding error into one grey level at most.
        assert np.abs(samples[name].astype(int) - expected).max() <= 1


def test_scores_are_those_of_the_definition(videos, whole):
    model = SRVP(CONFIG, seed=1)
    futures = model.forecast(videos[:, :NT_COND], NUM_FRAMES - NT_COND, NUM_SAMPLES, SEED)
    target = tf.constant(videos[:, NT_COND:], tf.float32)[:, None] / 255.0
    for name, metric in (("psnr", psnr), ("ssim", ssim)):
        of_samples = np.mean(metric(target, futures), axis=-1).T
        best, index = best_of(of_samples, higher_is_better=True)
        np.testing.assert_allclose(whole[0][name], best, rtol=1e-5)
        kept = whole[1][f"{name}_best"].astype(int)
        expected = np.floor(futures.numpy()[np.arange(NUM_VIDEOS), index] * 255)
        assert np.abs(kept - expected).max() <= 1
        worst = of_samples.argmin(axis=0)
        expected = np.floor(futures.numpy()[np.arange(NUM_VIDEOS), worst] * 255)
        assert np.abs(whole[1][f"{name}_worst"] - expected).max() <= 1


def test_draws_are_the_first_samples_whatever_the_number_of_samples(videos, whole):
    model = SRVP(CONFIG, seed=1)
    result = Evaluator(model, NT_COND, NUM_FRAMES, 1, SEED, num_draws=6).run(videos, 0)
    assert [name for name in result.samples if "random" in name] == ["random_1"]
    futures = model.forecast(videos[:, :NT_COND], NUM_FRAMES - NT_COND, 6, SEED).numpy()
    assert np.abs(result.draws - np.floor(255 * futures)).max() <= 1
    assert np.array_equal(result.draws[:, 0], result.samples["random_1"])
    assert np.abs(result.draws[:, 0] - whole[1]["random_1"].astype(int)).max() <= 1


def test_sample_store_tells_of_missing_rows_and_of_a_full_disk(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (2, 4096), dtype=np.uint8)
    with pytest.raises(ValueError, match="2 of 5 rows"), SampleStore(tmp_path, 5) as store:
        store.append({"a": rows})
    (tmp_path / "full.npz").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"), SampleStore(tmp_path, 5000) as store:
        for _ in range(2500):
            store.append({"full": rows})
