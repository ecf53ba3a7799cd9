"""Low precision stays inside the convolutions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.architecture import stage_depths
from srvp_tf.models.noise import training_noise
from tests.models.bounds import rounding
from tests.models.small import random_videos, small_model

LOW = ["mixed_bfloat16", "mixed_float16"]


def reconstruct(precision, family):
    model = small_model(precision, family=family, skips=True)
    videos = random_videos(model.config, 2, 4)
    noise = training_noise(model.config, 0, 1, tf.range(2), 4)
    return model, model(videos, noise, training=True)


@pytest.mark.parametrize(
    ("family", "precision"), [("dcgan", "mixed_float16"), ("vgg", "mixed_bfloat16")]
)
def test_a_reconstruction_is_close_to_float32s(family, precision):
    (exact_model, exact), (model, low) = (
        reconstruct("float32", family),
        reconstruct(precision, family),
    )
    depths = stage_depths(model.config.frame_size)  # of the encoder; the rest damps its errors
    depth = 1 + (sum(depths) if family == "vgg" else len(depths))
    tolerance = rounding(precision.removeprefix("mixed_"), depth)
    for name, a, b in zip(exact._fields, exact, low, strict=True):
        if name in ("p_x", "p_y1", "decoded_frames"):
            continue  # the mean is frames; known; all
        both = (tf.nest.flatten(x, expand_composites=True) for x in (a, b))
        for x, y in zip(*both, strict=True):
            assert y.dtype == tf.float32, name
            error = np.linalg.norm(x - y) / np.linalg.norm(x)
            assert error < tolerance, (name, error)
    for a, b in zip(exact_model.weights, model.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("precision", LOW)
def test_convolutions_do_run_in_low_precision_and_latents_in_float32(precision):
    model = small_model(precision, skips=True)
    encoding = model.encode(random_videos(model.config, 1, 3))
    assert {m.dtype for m in encoding.stages} == {tf.as_dtype(precision.removeprefix("mixed_"))}
    inferred = model.infer(encoding)
    floats = [encoding.features, inferred.content, inferred.q_y1, inferred.q_z]
    assert {x.dtype for x in floats} == {tf.float32}
    assert {tf.as_dtype(v.dtype) for v in model.weights} == {tf.float32}


def test_keras_global_policy_does_not_leak_into_a_model():
    policy = keras.config.dtype_policy()
    expected = small_model().get_weights()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = small_model()
    finally:
        keras.config.set_dtype_policy(policy)
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "compute_dtype")]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    for a, b in zip(expected, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
