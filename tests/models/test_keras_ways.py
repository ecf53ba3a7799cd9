"""What a user of Keras types works: calling the model, `predict`, `summary`, `.keras` files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import srvp_tf
from srvp_tf.models.noise import forecast_noise, reconstruction_noise
from tests.models.small import random_videos, small_config, small_model


@pytest.fixture(scope="module")
def model():
    return small_model("float64", skips=True)


def test_a_call_draws_the_noise_of_the_first_sample_of_forecast(model):
    frames = tf.constant(random_videos(model.config, 2, 5))
    inferred = model.infer(model.encode(frames))
    noise = forecast_noise(model.config, 3, tf.range(2), tf.range(1), 5 + 1)
    states = model.sample_paths(inferred, noise).observed
    expected = model.decode_samples(inferred, states)[:, 0]
    np.testing.assert_allclose(model(frames, seed=3).frames, expected, rtol=0, atol=1e-12)


def test_the_noise_can_be_given(model):
    frames = random_videos(model.config, 2, 4)
    noise = reconstruction_noise(model.config, 7, tf.range(2), 4)
    drawn, given = model(frames, seed=7).frames, model(frames, noise).frames
    np.testing.assert_array_equal(drawn, given)
    assert not np.array_equal(drawn, model(frames).frames)
    # A call takes what `forecast` takes.
    np.testing.assert_allclose(model(list(frames / 255.0), noise).frames, drawn, atol=1e-12)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros([2, 2, 32, 32, 1]), "2 frames given; this model needs 3 or more"),
        (np.zeros([2, 4, 16, 16, 1]), "this model takes [B, T, 32, 32, 1]"),
        (np.full([2, 4, 32, 32, 1], 200.0), "[0, 1]"),
    ],
)
def test_what_it_cannot_take_is_one_line(model, frames, message):
    for function in (model, model.predict):
        with pytest.raises(srvp_tf.UserError) as caught:
            function(frames)
        assert message in str(caught.value) and "\n" not in str(caught.value)


def test_predict_reconstructs_in_batches_of_any_size(model):
    frames = random_videos(model.config, 5, 4)
    expected = model(frames).frames
    dataset = tf.data.Dataset.from_tensor_slices(frames).batch(3)
    for given in (frames, dataset):
        predicted = model.predict(given, batch_size=2, verbose=0)
        assert isinstance(predicted, np.ndarray)
        np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-12)


def test_the_summary_shows_every_part_with_its_shape_and_size(model):
    lines = []
    model.summary(print_fn=lines.append)
    rows = {line.split()[1]: line for line in "\n".join(lines).splitlines() if "(" in line[:30]}
    shapes = {
        "encoder": "(None, 12)",
        "decoder": "(None, None, 32, 32,",  # and its last number in the next line
        "content": "(None, 10)",
        "q_y1": "(None, 6)",
        "q_z": "(None, None, 5)",
        "dynamics": "(None, 6)",
    }
    for layer in model.layers:
        assert shapes.pop(layer.name) in rows[layer.name]
        assert f"{layer.count_params():,}" in rows[layer.name]
    assert not shapes


def test_shapes_in_the_summary_are_those_of_the_outputs(model):
    c = small_config()
    frames = tf.zeros([2, 4, c.frame_size, c.frame_size, c.channels])
    encoding = model.encode(frames)
    inferred = model.infer(encoding)
    outputs = {
        "encoder": tf.reshape(encoding.features, [-1, c.nhx]),
        "content": inferred.content,
        "q_y1": inferred.q_y1.loc,
        "q_z": inferred.q_z.loc,
        "dynamics": model.step(inferred.q_y1.loc, inferred.q_z.loc[:, 0]),
        "decoder": model.decode(inferred.content, inferred.q_y1.loc[:, None], inferred.skips),
    }
    for name, output in outputs.items():
        assert output.shape.is_compatible_with(getattr(model, name).output_shape), name


def test_a_file_that_is_none_is_one_line(tmp_path):
    keras.Sequential([keras.Input([2]), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    (tmp_path / "text.keras").write_text("no model")
    for name, message in (
        ("none", "there is no such file"),
        ("text", "cannot be read as a Keras model"),
        ("other", "holds a Sequential, no model of videos"),
    ):
        with pytest.raises(srvp_tf.UserError, match=message) as caught:
            srvp_tf.load(tmp_path / f"{name}.keras")
        assert "\n" not in str(caught.value)
