"""Validation against brute force: every sample decoded alone, judged with NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.forecasting import sampling
from srvp_tf.forecasting.sampling import Sampler
from srvp_tf.metrics.frame_metrics import ssim
from srvp_tf.models.distributions import draw
from srvp_tf.models.noise import forecast_noise
from srvp_tf.training.validation import Validator
from tests.models.small import random_videos, small_model, spread_statistics

VIDEOS, NT_COND, NUM_FRAMES, SAMPLES, SEED = 4, 4, 6, 8, 5


@pytest.fixture(scope="module")
def model():
    return spread_statistics(small_model(skips=True))


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, VIDEOS, NUM_FRAMES)


@pytest.fixture(scope="module")
def drawn(model, videos):
    """All frames of all samples [V, S, T, H, W, C], one video and one sample at a time."""
    frames = []
    for video in range(VIDEOS):
        inferred = model.infer(model.encode(videos[video : video + 1, :NT_COND]))
        for sample in range(SAMPLES):
            ids = tf.constant([video]), tf.constant([sample])
            noise = forecast_noise(model.config, SEED, *ids, NUM_FRAMES)
            path = tf.concat(model.sample_paths(inferred, noise), axis=2)
            frames.append(model.decode_samples(inferred, path)[0, 0])
    return np.reshape(frames, (VIDEOS, SAMPLES, *videos.shape[1:]))


@pytest.fixture(scope="module")
def truth(videos):
    return videos / 255.0


def psnr(truth, frames):
    """dB of each frame of one channel [..., T]."""
    return -10 * np.log10(np.mean((truth - frames.astype(np.float64)) ** 2, axis=(-3, -2, -1)))


@pytest.fixture(scope="module")
def scores(truth, drawn):
    """PSNR [V, S, T]."""
    return psnr(truth[:, None], drawn)


def validate(model, videos, batch_size):
    batches = [videos[i : i + batch_size] for i in range(0, len(videos), batch_size)]
    validator = Validator(model, NT_COND, NUM_FRAMES, SAMPLES, SEED)
    return validator.run(tf.constant(batch) for batch in batches)


def validate_eagerly(*arguments):
    """`validate` without graphs: those of other shapes would have to be made anew."""
    tf.config.run_functions_eagerly(True)
    try:
        return validate(*arguments)
    finally:
        tf.config.run_functions_eagerly(False)


def test_the_best_by_all_frames_is_scored_on_the_predicted_ones(drawn, truth, scores, in_pairs):
    best = scores.mean(axis=2).argmax(axis=1)
    predicted = scores[:, :, NT_COND:].mean(axis=2)
    assert np.any(best != predicted.argmax(axis=1))  # else this could not tell the two apart
    result = in_pairs
    np.testing.assert_allclose(result.psnr, predicted[range(VIDEOS), best].mean(), rtol=1e-5)
    chosen = drawn[range(VIDEOS), best, NT_COND:]
    expected = np.mean(ssim(tf.constant(truth[:, NT_COND:], tf.float32), chosen))
    np.testing.assert_allclose(result.ssim, expected, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def in_pairs(model, videos):
    return validate(model, videos, 2)


def test_the_result_depends_neither_on_the_batch_size_nor_on_the_dtype(model, truth, in_pairs):
    a, b = validate_eagerly(model, truth.astype(np.float32), 3), in_pairs
    np.testing.assert_allclose([a.psnr, a.ssim], [b.psnr, b.ssim], rtol=1e-5, atol=1e-6)


def test_nor_on_how_many_frames_are_decoded_at_once(model, videos, in_pairs, monkeypatch):
    whole = in_pairs
    monkeypatch.setattr(sampling, "CHUNK_BYTES", 3 * NUM_FRAMES * 2 * model.frame_bytes)
    chunks = Sampler(model, NT_COND, NUM_FRAMES, SEED).chunks(3, SAMPLES)
    assert [chunk.numpy().tolist() for chunk in chunks] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    cut = validate_eagerly(model, videos, 3)
    np.testing.assert_allclose([cut.psnr, cut.ssim], [whole.psnr, whole.ssim], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("limit, size", [(0, 1), (3 * 6 * 7, 7), (10**9, 8)])
def test_chunks_fill_the_limit_and_hold_every_sample_once(model, monkeypatch, limit, size):
    monkeypatch.setattr(sampling, "CHUNK_BYTES", limit * model.frame_bytes)
    chunks = Sampler(model, NT_COND, NUM_FRAMES, SEED).chunks(3, SAMPLES)
    assert all(len(chunk) == size for chunk in chunks[:-1]) and len(chunks[-1]) <= size
    np.testing.assert_array_equal(tf.concat(chunks, 0), range(SAMPLES))


def test_the_strip_shows_the_first_videos_truth_best_worst_and_first_sample(
    model, videos, drawn, truth, scores, in_pairs
):
    strip = in_pairs.strip
    by_score = scores[0].mean(axis=1)

    def shown(sample):  # predictions are shown after the true observed frames
        return np.concatenate([truth[0, :NT_COND], drawn[0, sample, NT_COND:]])

    close = {"atol": 1e-5}
    np.testing.assert_allclose(strip.truth, truth[0], **close)
    noise = forecast_noise(model.config, SEED, tf.range(1), tf.range(1), NUM_FRAMES)
    inferred = model.infer(model.encode(tf.constant(videos[:1])))
    y_1 = draw(inferred.q_y1, noise.y_1[:, 0])
    path = model.rollout(y_1, noise.z[:, 0], inferred.q_z)
    states = tf.concat([y_1[:, None], path.states[:, :, -1]], axis=1)
    seen = model.decode(inferred.content, states, inferred.skips)[0]
    np.testing.assert_allclose(strip.reconstruction, seen, **close)
    np.testing.assert_allclose(strip.best, shown(by_score.argmax()), **close)
    np.testing.assert_allclose(strip.worst, shown(by_score.argmin()), **close)
    np.testing.assert_allclose(strip.random, shown(0), **close)
