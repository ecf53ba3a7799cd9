"""The noise of a request has its address in (seed, sample, frame), and nowhere else."""

import numpy as np
import tensorflow as tf

from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from srvp_tf.models.noise import forecast_noise
from tests.models.small import small_config

CONFIG = small_config()
SEEDS = np.array([0, 7, -1, 2**62 + 5], np.int64)


def test_it_is_the_noise_of_a_forecast_of_video_0():
    drawn = draw_from_start(CONFIG, tf.constant(SEEDS), 6, 3)
    for i, seed in enumerate(SEEDS):
        alone = forecast_noise(CONFIG, int(seed), tf.constant([0]), tf.range(3), 6)
        np.testing.assert_array_equal(drawn["noise_y"][i], alone.y_1[0])
        np.testing.assert_array_equal(drawn["noise_z"][i], alone.z[0])


def test_without_samples_it_is_sample_0():
    whole, first = (draw_from_start(CONFIG, SEEDS, 6, samples) for samples in (3, None))
    for name, value in first.items():
        np.testing.assert_array_equal(value, whole[name][:, 0])


def test_a_frame_has_its_part_of_the_whole():
    whole = draw_from_start(CONFIG, SEEDS, 6)["noise_z"]
    frames = np.array([1, 5, 2, 3], np.int64)
    expected = whole.numpy()[np.arange(4), frames - 1]
    np.testing.assert_array_equal(draw_at_frame(CONFIG, SEEDS, frames)["noise_z"], expected)


def test_a_longer_video_begins_with_the_noise_of_a_shorter_one():
    long, short = (draw_from_start(CONFIG, SEEDS, n) for n in (9, 4))
    np.testing.assert_array_equal(long["noise_z"][:, :3], short["noise_z"])
    np.testing.assert_array_equal(long["noise_y"], short["noise_y"])
