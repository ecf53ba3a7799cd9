"""The whole model: what is conditioned on what, and two ways to the same numbers."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.distributions import draw
from srvp_tf.models.noise import ForecastNoise, TrainingNoise, training_noise
from tests.models.small import parameters, random_videos, small_model


def spread_statistics(model):
    """Batch normalisation away from its neutral start, so that frames differ."""
    random = np.random.default_rng(7)
    for variable in model.weights:
        if "norm" in variable.path:
            variable.assign(variable.numpy() * random.uniform(0.5, 1.5, variable.shape))
        elif variable.path.split("/")[1] in ("encoder", "decoder"):
            variable.assign(5.0 * variable)
        elif variable.path.split("/")[1] in ("predictor", "prior", "posterior"):
            variable.assign(20.0 * variable)
    return model


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


@pytest.mark.parametrize("training", [False, True])
def test_reconstruction_is_its_definition_step_by_step(videos, training):
    model = spread_statistics(small_model("float64", channels=3, skips=True))
    noise = training_noise(model.config, 0, 1, tf.range(2), 5)
    before = model.get_weights()
    outputs = model(videos, noise, training=training)
    model.set_weights(before)
    encoding = model.encode(videos, training)
    inferred = model.infer(encoding, noise.content_frames, noise.skip_frame)
    y = draw(inferred.q_y1, tf.cast(noise.y_1, tf.float64))
    states, residuals, priors = [y], [], []
    for t in range(4):
        z = inferred.q_z.loc[:, t] + inferred.q_z.scale[:, t] * tf.cast(noise.z[:, t], tf.float64)
        priors.append(model.dynamics.prior(y))
        for _ in range(model.config.euler_steps):
            residual = model.dynamics.residual(tf.concat([y, z], -1)) / model.config.euler_steps
            residuals.append(residual)
            y += residual
        states.append(y)
    states = tf.stack(states, 1)
    frames = model.decode(inferred.content, states, inferred.skips, training)
    np.testing.assert_allclose(outputs.frames, frames, atol=1e-10)
    np.testing.assert_allclose(outputs.content, inferred.content, atol=1e-12)
    for name in ("q_y1", "q_z"):
        ours, theirs = (parameters(getattr(x, name)) for x in (outputs, inferred))
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    expected = np.stack([parameters(prior) for prior in priors], 2)
    np.testing.assert_allclose(parameters(outputs.p_z), expected, atol=1e-10)
    by_interval = np.reshape(np.stack(residuals, 1), outputs.residuals.shape)
    np.testing.assert_allclose(outputs.residuals, by_interval, atol=1e-10)


def sampling_noise(model, num_samples, num_frames, seed=0):
    random = np.random.default_rng(seed)
    return ForecastNoise(
        tf.constant(random.normal(size=(2, num_samples, model.config.ny))),
        tf.constant(random.normal(size=(2, num_samples, num_frames - 1, model.config.nz))),
    )


@pytest.mark.parametrize("euler_steps", [1, 4])
def test_the_futures_euler_steps_never_touch_the_observed_part(model, videos, euler_steps):
    inferred, noise = model.infer(model.encode(videos)), sampling_noise(model, 3, 9)
    paths = model.sample_paths(inferred, noise, euler_steps)
    y = inferred.q_y1.loc[:, None] + inferred.q_y1.scale[:, None] * noise.y_1
    q_z = inferred.q_z
    expected = [y]
    for t in range(4):  # with the training's 2 sub-steps, whatever is asked of the future
        z = q_z.loc[:, None, t] + q_z.scale[:, None, t] * noise.z[:, :, t]
        expected.append(model.step(expected[-1], z, model.config.euler_steps))
    np.testing.assert_allclose(paths.observed, tf.stack(expected, 2), atol=1e-11)
    y = expected[-1]
    for t in range(4):
        z = draw(model.dynamics.prior(y), noise.z[:, :, 4 + t])
        y = model.step(y, z, euler_steps)
        np.testing.assert_allclose(paths.future[:, :, t], y, atol=1e-10)


def test_states_between_frames_are_the_sub_steps(model, videos):
    inferred, noise = model.infer(model.encode(videos)), sampling_noise(model, 2, 8)
    all_of_them = model.sample_paths(inferred, noise, 4, frames_per_step=4).future
    for kept in (1, 2):
        some = model.sample_paths(inferred, noise, 4, frames_per_step=kept).future
        stride = 4 // kept
        np.testing.assert_array_equal(some, all_of_them[:, :, stride - 1 :: stride])


def test_samples_are_decoded_with_the_content_and_skips_of_their_own_video(model, videos):
    inferred = model.infer(model.encode(videos))
    states = tf.constant(np.random.default_rng(0).normal(size=(2, 3, 4, 6)))
    frames = model.decode_samples(inferred, states)
    for video, sample in np.ndindex(2, 3):
        skips = tuple(skip[video : video + 1] for skip in inferred.skips)
        content = inferred.content[video : video + 1]
        alone = model.decode(content, states[video : video + 1, sample], skips)
        np.testing.assert_allclose(frames[video, sample], alone[0], atol=1e-12)


def test_float32_noise_is_accepted_by_a_float64_model(model, videos):
    noise = training_noise(model.config, 0, 1, tf.range(2), 5)
    exact = TrainingNoise(*(tf.cast(x, tf.float64) for x in noise[:2]), *noise[2:])
    np.testing.assert_array_equal(model(videos, noise).frames, model(videos, exact).frames)
