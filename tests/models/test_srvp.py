"""The whole model: what is conditioned on what, and two ways to the same numbers."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.noise import TrainingNoise, forecast_noise, training_noise
from tests.models.small import random_videos, small_model, spread_statistics


@pytest.fixture(scope="module")
def model():
    return spread_statistics(small_model("float64", channels=3, skips=True))


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 2, 5)


def test_content_does_not_depend_on_the_order_of_the_frames(model, videos):
    encoding = model.encode(videos)
    forward = model.infer(encoding, tf.constant([[0, 2, 4], [1, 2, 3]]))
    shuffled = model.infer(encoding, tf.constant([[4, 0, 2], [3, 1, 2]]))
    np.testing.assert_allclose(forward.content, shuffled.content, rtol=1e-12)
    other = model.infer(encoding, tf.constant([[0, 2, 3], [1, 2, 4]]))
    assert np.all(np.abs(other.content - forward.content) > 1e-9)


def test_content_and_skips_come_from_the_last_frames_unless_said(model, videos):
    encoding = model.encode(videos)
    default = model.infer(encoding)
    last = model.infer(encoding, tf.constant([[2, 3, 4]] * 2), tf.constant([4, 4]))
    both = (tf.nest.flatten(x, expand_composites=True) for x in (default, last))
    for a, b in zip(*both, strict=True):
        np.testing.assert_array_equal(a, b)


def test_features_and_skips_are_those_of_each_frame_alone(model, videos):
    encoding, chosen = model.encode(videos), [3, 1]
    inferred = model.infer(encoding, skip_frame=tf.constant(chosen))
    for video, frame in enumerate(chosen):
        features, skips = model.encoder(model.to_unit_range(videos[video, frame])[None])
        np.testing.assert_allclose(encoding.features[video, frame], features[0], atol=1e-12)
        for skip, expected in zip(inferred.skips, skips, strict=True):
            np.testing.assert_allclose(skip[video], expected[0], atol=1e-12)


def test_the_first_state_is_read_from_the_first_frames(model, videos):
    changed = videos.copy()
    changed[:, model.config.nt_inf :] //= 2
    before, after = (model.infer(model.encode(x)).q_y1 for x in (videos, changed))
    np.testing.assert_allclose(before.loc, after.loc, rtol=1e-12)
    changed = videos[:, [1, 0, 2, 3, 4]]  # their order counts
    assert np.all(np.abs(model.infer(model.encode(changed)).q_y1.loc - before.loc) > 1e-9)


def test_states_between_frames_are_the_sub_steps(model, videos):
    inferred = model.infer(model.encode(videos))
    noise = forecast_noise(model.config, 0, tf.range(2), tf.range(2), 8)
    all_of_them = model.sample_paths(inferred, noise, 4, frames_per_step=4).future
    for kept in (1, 2):
        some = model.sample_paths(inferred, noise, 4, frames_per_step=kept).future
        stride = 4 // kept
        np.testing.assert_array_equal(some, all_of_them[:, :, stride - 1 :: stride])


def test_float32_noise_is_accepted_by_a_float64_model(model, videos):
    noise = training_noise(model.config, 0, 1, tf.range(2), 5)
    exact = TrainingNoise(*(tf.cast(x, tf.float64) for x in noise[:2]), *noise[2:])
    np.testing.assert_array_equal(model(videos, noise).frames, model(videos, exact).frames)
