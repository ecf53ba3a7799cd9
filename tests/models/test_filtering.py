"""Frame by frame, all at once, of fixed and of variable length: one model, the same futures."""

import numpy as np
import pytest
import tensorflow as tf

from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from tests.models.small import random_videos, small_model, spread_statistics

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
SEED = tf.constant([3, -(2**50)], tf.int64)
FAMILIES = {
    "dcgan": {"skips": True},
    "vgg": {"family": "vgg", "channels": 3},
    "one frame is enough, no z": {"nt_inf": 1, "stochastic": False},
    "svg": {"model": "svg"},
    "svg, skips of the frame before": {"model": "svg", "family": "vgg", "last_frame_skip": True},
}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    return spread_statistics(small_model(**FAMILIES[request.param]))


@pytest.fixture(scope="module")
def videos(model):
    return tf.constant(random_videos(model.config, 2, 7) / np.float32(255))


@pytest.fixture(scope="module")
def encode(model, videos):
    """The state of the first frames."""

    @tf.function
    def encode(num_frames):
        noise = draw_from_start(model.config, SEED, num_frames)
        return model.encode_state(videos[:, :num_frames], **noise)

    return encode


@pytest.fixture(scope="module")
def rates(model):
    """(Euler steps, frames per step) other than the training's, of models that have some."""
    return (4, 2) if model.config.takes_euler_steps else (1, 1)


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(state[name], value, **CLOSE)


def forecast(model, frames, horizon, euler_steps=None, frames_per_step=1):
    sampling = 1, SEED, euler_steps, frames_per_step
    return model.forecast(frames, horizon, *sampling, video_ids=[0, 0])[:, 0]


def test_observing_a_frame_is_encoding_it_with_the_others(model, videos, encode):
    state = encode(3)
    observe = tf.function(model.observe_state)
    for t in (3, 4, 5):
        noise = draw_at_frame(model.config, SEED, tf.constant([t, t], tf.int64))
        read = {n: x for n, x in state.items() if not n.startswith(model.unread_by_observe)}
        state = observe(read, videos[:, t], **noise)
        assert_same(state, encode(t + 1))


def test_single_steps_are_the_first_frames_of_many(model, videos, encode, rates):
    expected = forecast(model, videos[:, :4], 5, *rates)
    step = tf.function(model.predict_from_state)
    state, predicted = encode(4), []
    for t in (4, 5, 6):
        noise = draw_at_frame(model.config, SEED, tf.constant([t, t], tf.int64))
        read = {n: x for n, x in state.items() if not n.startswith(model.unread_by_predict)}
        changed, frames = step(read, noise["noise_z"][:, None], *rates)
        state |= changed
        predicted.append(frames)
    predicted = tf.concat(predicted, axis=1)
    assert predicted.shape[1] == 3 * rates[1]
    np.testing.assert_allclose(predicted, expected[:, : predicted.shape[1]], **CLOSE)
    assert np.abs(np.diff(expected, axis=1)).max(axis=(2, 3, 4)).min() > 1e-4


def test_a_variable_length_gives_what_that_length_gives_alone(model, videos):
    lengths = np.array([6, model.config.nt_inf])
    padded = videos.numpy()
    for video, length in zip(padded, lengths, strict=True):
        video[length:] = 1e6
    noise = draw_from_start(model.config, SEED, 7 + 4)
    predict, steps = tf.function(model.predict_variable), model.config.euler_steps
    found = predict(tf.constant(padded), tf.constant(lengths), **noise, euler_steps=steps)
    for i, length in enumerate(lengths):
        alone = forecast(model, videos[:, :length], 4)
        np.testing.assert_allclose(found[i], alone[i], **CLOSE)


def test_forecasts_go_on_from_their_state(model, videos, rates):
    noise = model.forecast_noise(SEED, tf.constant([0, 0]), tf.range(3), 4 + 3)
    expected = model.forecast(videos[:, :4], 3, 3, SEED, *rates, video_ids=[0, 0])
    inferred = model.infer_frames(videos[:, :4])
    state, frames = model.start_samples(inferred, noise), []
    for part in (slice(3, 4), slice(4, None)):
        future = model.continue_samples(inferred, state, noise.z[:, :, part], *rates)
        state = future.state
        frames.append(future.frames)
        assert future.path.shape[:3] == future.frames[:, :, :: rates[1]].shape[:3]
    np.testing.assert_allclose(tf.concat(frames, axis=2), expected, **CLOSE)
    assert np.abs(expected[:, 0] - expected[:, 1]).max() > 1e-4
