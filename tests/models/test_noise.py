"""The noise handed to the model: addressed by what it is for, with the laws of the paper."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from srvp_tf.models import rng
from srvp_tf.models.noise import forecast_noise, training_noise
from srvp_tf.models.rng import Purpose
from tests.models.small import small_config

CONFIG = small_config()


def test_training_noise_of_some_rows_is_those_rows_of_the_whole_batch():
    whole = training_noise(CONFIG, 3, 17, tf.range(8), num_frames=6, num_decoded=3)
    for rows in ([4, 5, 6, 7], [5, 2]):
        part = training_noise(CONFIG, 3, 17, tf.constant(rows), num_frames=6, num_decoded=3)
        for some, all_rows in zip(part, whole, strict=True):
            np.testing.assert_array_equal(some, all_rows.numpy()[rows])


def test_training_noise_has_the_addresses_that_rng_says():
    noise = training_noise(CONFIG, 3, 17, tf.range(4), num_frames=6)
    y_1 = rng.normal(3, Purpose.TRAIN_STATE, CONFIG.ny, example=2, index=17)
    np.testing.assert_array_equal(noise.y_1[2], y_1)
    for frame in range(1, 6):
        z = rng.normal(3, Purpose.TRAIN_LATENT, CONFIG.nz, example=2, index=17, frame=frame)
        np.testing.assert_array_equal(noise.z[2, frame - 1], z)


@pytest.mark.parametrize(
    ("seed", "samples"),  # shared by the videos, or each video its own
    [(8, [2, 7]), ([8, 9, 8], [2, 7]), (8, [[3, 0], [2, 2], [5, 1]])],
)
def test_forecast_noise_has_the_addresses_that_rng_says(seed, samples):
    videos = [5, 11, 5]
    noise = forecast_noise(
        CONFIG, tf.constant(seed), tf.constant(videos), tf.constant(samples), num_frames=4
    )
    seeds, samples = np.broadcast_to(seed, 3), np.broadcast_to(samples, (3, 2))
    for i, j in np.ndindex(3, 2):
        seed, address = int(seeds[i]), {"example": videos[i], "index": int(samples[i, j])}
        y_1 = rng.normal(seed, Purpose.PREDICT_STATE, CONFIG.ny, **address)
        np.testing.assert_array_equal(noise.y_1[i, j], y_1)
        for frame in (1, 2, 3):
            z = rng.normal(seed, Purpose.PREDICT_LATENT, CONFIG.nz, frame=frame, **address)
            np.testing.assert_array_equal(noise.z[i, j, frame - 1], z)


def test_normal_noise_is_standard_normal_and_z_differs_from_frame_to_frame():
    noise = training_noise(CONFIG, 0, 1, tf.range(3000), num_frames=4)
    for draws in (noise.y_1, noise.z):
        assert stats.kstest(np.ravel(draws), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(np.ravel(noise.z[:, 0]), np.ravel(noise.z[:, 1]))[0, 1]) < 0.03
    a, b = np.ravel(noise.y_1[:, :5]), np.ravel(noise.z[:, 0])
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


@pytest.mark.parametrize("name", ["content_frames", "decoded_frames"])
def test_frames_are_uniform_draws_without_replacement(name):
    num_frames, videos = 6, 12_000
    noise = training_noise(CONFIG, 0, 1, tf.range(videos), num_frames, num_decoded=3)
    assert np.any(noise.content_frames != noise.decoded_frames)
    chosen = getattr(noise, name).numpy()
    assert chosen.shape == (videos, 3) and CONFIG.nt_inf == 3
    ordered = np.sort(chosen, axis=1)
    assert (np.diff(ordered) > 0).all()
    assert ordered.min() == 0 and ordered.max() == num_frames - 1
    _, counts = np.unique(chosen, axis=0, return_counts=True)
    assert len(counts) == 6 * 5 * 4
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("num_frames", [2, 15])
def test_skip_frame_is_uniform_over_the_clip(num_frames):
    config = small_config(nt_inf=1)
    frame = training_noise(config, 0, 1, tf.range(10_000), num_frames).skip_frame.numpy()
    values, counts = np.unique(frame, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(num_frames))
    assert stats.chisquare(counts).pvalue > 1e-3
