"""Frame by frame, all at once, of fixed and of variable length: one model, the same futures."""

import numpy as np
import pytest
import tensorflow as tf

from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from srvp_tf.models import filtering
from srvp_tf.models.noise import ForecastNoise
from tests.models.small import random_videos, small_model
from tests.models.test_srvp import spread_statistics

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
SEED = tf.constant([3, -(2**50)], tf.int64)
FAMILIES = {
    "dcgan": {"skips": True},
    "vgg": {"family": "vgg", "channels": 3},
    "one frame is enough, no z": {"nt_inf": 1, "stochastic": False},
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
        return filtering.encode(model, videos[:, :num_frames], **noise)

    return encode


def assert_same(state, expected):
    for a, b in zip(tf.nest.flatten(state), tf.nest.flatten(expected), strict=True):
        if a is None and b is None:  # no LSTM
            continue
        np.testing.assert_allclose(a, b, **CLOSE)


def forecast(model, frames, horizon, euler_steps=2, frames_per_step=1):
    sampling = 1, SEED, euler_steps, frames_per_step
    return model.forecast(frames, horizon, *sampling, video_ids=[0, 0])[:, 0]


def test_the_state_is_what_the_model_infers(model, videos, encode):
    state, observed = encode(4), videos[:, :4]
    encoding = model.encode(observed)
    inferred = model.infer(encoding)
    noise = ForecastNoise(*draw_from_start(model.config, SEED, 5, 1).values())
    np.testing.assert_allclose(
        state.y, model.sample_paths(inferred, noise).observed[:, 0, -1], **CLOSE
    )
    np.testing.assert_allclose(state.w, inferred.content, **CLOSE)
    k = model.config.nt_inf
    np.testing.assert_allclose(state.recent_features, encoding.features[:, -k:], **CLOSE)
    if model.config.stochastic:
        read = model.q_z.lstm(encoding.features)
        np.testing.assert_allclose(state.lstm_output, read[:, -1], **CLOSE)
    assert_same(state.skips, inferred.skips or ())


def test_observing_a_frame_is_encoding_it_with_the_others(model, videos, encode):
    state = encode(3)
    observe = tf.function(filtering.observe)
    for t in (3, 4, 5):
        noise = draw_at_frame(model.config, SEED, tf.constant([t, t], tf.int64))
        state = observe(model, state, videos[:, t], **noise)
        assert_same(state, encode(t + 1))


def test_single_steps_are_the_first_frames_of_many(model, videos, encode):
    euler_steps, frames_per_step = 4, 2
    expected = forecast(model, videos[:, :4], 5, euler_steps, frames_per_step)
    step = tf.function(filtering.predict_single_step)
    state, predicted = encode(4), []
    for t in (4, 5, 6):
        noise = draw_at_frame(model.config, SEED, tf.constant([t, t], tf.int64))
        y, frames = step(model, state, noise["noise_z"], euler_steps, frames_per_step)
        state = state._replace(y=y)
        predicted.append(frames)
    predicted = tf.concat(predicted, axis=1)
    assert predicted.shape[1] == 3 * frames_per_step
    np.testing.assert_allclose(predicted, expected[:, : predicted.shape[1]], **CLOSE)
    assert np.abs(np.diff(expected, axis=1)).max(axis=(2, 3, 4)).min() > 1e-4


def test_a_variable_length_gives_what_that_length_gives_alone(model, videos):
    lengths = np.array([6, model.config.nt_inf])
    padded = videos.numpy()
    for video, length in zip(padded, lengths, strict=True):
        video[length:] = 1e6
    noise = draw_from_start(model.config, SEED, 7 + 4)
    predict = tf.function(filtering.predict_variable)
    found = predict(model, tf.constant(padded), tf.constant(lengths), **noise, euler_steps=2,
                    frames_per_step=1)  # fmt: skip
    for i, length in enumerate(lengths):
        alone = forecast(model, videos[:, :length], 4)
        np.testing.assert_allclose(found[i], alone[i], **CLOSE)


def test_samples_are_the_forecast(model, videos):
    noise = draw_from_start(model.config, SEED, 4 + 3, 3)
    found = filtering.predict_samples(model, videos[:, :4], **noise, euler_steps=4,
                                       frames_per_step=2)  # fmt: skip
    expected = model.forecast(videos[:, :4], 3, 3, SEED, 4, 2, video_ids=[0, 0])
    np.testing.assert_allclose(found, expected, **CLOSE)
    assert np.abs(found[:, 0] - found[:, 1]).max() > 1e-4


def test_a_gru_takes_its_single_step():
    model = spread_statistics(small_model(dynamics="gru", stochastic=False, euler_steps=1))
    videos = tf.constant(random_videos(model.config, 2, 5) / np.float32(255))
    state = filtering.encode(model, videos[:, :4], **draw_from_start(model.config, SEED, 4))
    noise = draw_at_frame(model.config, SEED, tf.constant([4, 4], tf.int64))
    assert noise["noise_z"].shape == (2, 0)
    state = filtering.observe(model, state, videos[:, 4], **noise)
    _, frames = filtering.predict_single_step(model, state, noise["noise_z"], 1, 1)
    np.testing.assert_allclose(frames, forecast(model, videos, 1, euler_steps=1), **CLOSE)
