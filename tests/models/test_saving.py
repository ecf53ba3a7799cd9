"""A model survives its configuration, its weights file and Keras' own format."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import srvp_tf
from srvp_tf.metrics.i3d import I3D
from srvp_tf.metrics.lpips import LPIPS
from srvp_tf.models.srvp import SRVP
from tests.models.small import forecast_eagerly, random_videos, small_model


@pytest.fixture(scope="module")
def model():
    """A model that its seed does not give."""
    made = small_model(family="vgg", skips=True, seed=3)
    made.weights[0].assign(made.weights[0] + 1.0)
    return made


def assert_same(model, other):
    """Equal weights, and equal forecasts."""
    for a, b in zip(model.weights, other.weights, strict=True):
        assert a.path == b.path
        np.testing.assert_array_equal(a, b)
    videos = random_videos(model.config, 2, 3)
    np.testing.assert_array_equal(*(forecast_eagerly(m, videos, 2) for m in (model, other)))


def test_the_configuration_makes_the_same_model_and_parts_again(model):
    again = SRVP.from_config(json.loads(json.dumps(model.get_config())))
    assert again.config == model.config
    again.weights[0].assign(again.weights[0] + 1.0)
    assert_same(model, again)
    parts = (model.encoder, model.decoder, model.content, model.q_y1, model.q_z, model.dynamics)
    for part in parts:
        again = type(part).from_config(part.get_config())
        assert again.get_config() == part.get_config()


def test_a_weights_file_restores_every_weight(model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    other = SRVP(model.config, seed=4)
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same(model, other)


def test_keras_own_format_restores_the_model(model, tmp_path):
    model.save(tmp_path / "model.keras")
    for load in (keras.models.load_model, srvp_tf.load):
        assert_same(model, load(tmp_path / "model.keras"))


def stored_weights(prefix):
    """The number of variables in one of TensorFlow's checkpoints."""
    keys = [key for key, _ in tf.train.list_variables(str(prefix))]
    return sum(key.endswith("VARIABLE_VALUE") and "save_counter" not in key for key in keys)


@pytest.mark.parametrize(("family", "count"), [("dcgan", 74), ("vgg", 138)])
def test_tensorflows_checkpoint_restores_every_weight(family, count, tmp_path):
    model, other = (small_model(family=family, skips=True, frame_size=64, seed=i) for i in (3, 4))
    path = tf.train.Checkpoint(model).write(str(tmp_path / "checkpoint"))
    assert stored_weights(path) == len(model.weights) == count
    tf.train.Checkpoint(other).read(path).assert_consumed()
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [lambda: small_model().frozen(), LPIPS, I3D])
def test_tensorflows_checkpoint_has_every_weight(make, tmp_path):
    network = make()
    path = tf.train.Checkpoint(network).write(str(tmp_path / "checkpoint"))
    assert stored_weights(path) == len(network.weights)


def test_tensorflows_saved_model_has_every_weight_and_predicts(model, tmp_path):
    videos = tf.constant(random_videos(model.config, 2, 3))
    expected = model.forecast(videos, 2)
    tf.saved_model.save(model, str(tmp_path))
    assert stored_weights(tmp_path / "variables/variables") == len(model.weights)
    arguments = (videos, tf.constant(0, tf.int64), tf.range(2), 2, 1, model.config.euler_steps, 1)
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_array_equal(loaded._compiled_forecast(*arguments), expected)
