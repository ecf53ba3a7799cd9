"""What counts as a usable example, and what becomes of the others."""

import numpy as np
import pytest
import tensorflow as tf

from export.signatures.validity import checked, checked_padded, finite_too, where_valid
from srvp_tf.errors import UserError
from tests.models.small import random_videos, small_model

GOOD = np.linspace(0, 1, 2 * 4 * 4, dtype=np.float32).reshape(2, 4, 4, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.01, -0.01, 255.0])
def test_frames_out_of_the_unit_range_are_not_valid(value):
    frames = np.stack([GOOD, GOOD, GOOD])
    frames[1, 1, 2, 3, 0] = value
    inputs, valid = checked({"frames": tf.constant(frames)})
    np.testing.assert_array_equal(valid, [True, False, True])
    np.testing.assert_array_equal(inputs["frames"], np.stack([GOOD, 0 * GOOD, GOOD]))


@pytest.mark.parametrize("value", [-0.99e-3, 1.00099, -1.01e-3, 1.00101])
def test_the_tolerance_is_that_of_forecast(value):
    model = small_model()
    frames = random_videos(model.config, 1, 3) / np.float32(255)
    frames[0, 0, 0, 0, 0] = value
    _, valid = checked({"frames": tf.constant(frames)})
    try:
        model.forecast(frames, 1)
        accepted = True
    except UserError:
        accepted = False
    assert bool(valid[0]) == accepted


def test_a_state_may_be_of_any_size_but_finite():
    y = np.array([[1e30, 0], [np.nan, 0], [0, np.inf], [-5, 1]], np.float32)
    frame = np.full((4, 2, 2, 1), 0.5, np.float32)
    frame[3] = 2
    inputs, valid = checked({"y": tf.constant(y), "frame": tf.constant(frame)})
    np.testing.assert_array_equal(valid, [True, False, False, False])
    np.testing.assert_array_equal(inputs["y"][1:], np.zeros((3, 2)))
    np.testing.assert_array_equal(inputs["y"][0], y[0])


def test_outputs_must_be_finite():
    outputs = {
        "y": tf.constant([[1.0, 2.0], [np.inf, 0], [0, 0], [0, 0]]),
        "frames": tf.constant([[[0.0]], [[0.0]], [[np.nan]], [[1.0]]]),
        "images": tf.constant(["a", "b", "c", "d"]),
    }
    valid = finite_too(tf.constant([True, True, True, False]), outputs)
    np.testing.assert_array_equal(valid, [True, False, False, False])


def test_padding_may_hold_anything():
    frames = np.full((5, 4, 2, 2, 1), 0.5, np.float32)
    frames[:, 3] = np.nan
    counts = np.array([2, 3, 4, 1, 5], np.int64)
    inputs, valid = checked_padded(
        {"frames": tf.constant(frames), "num_frames": tf.constant(counts)}, least=2
    )
    np.testing.assert_array_equal(valid, [True, True, False, False, False])
    np.testing.assert_array_equal(inputs["frames"][0, :, 0, 0, 0], [0.5, 0.5, 0, 0])
    np.testing.assert_array_equal(inputs["frames"][1, :, 0, 0, 0], [0.5, 0.5, 0.5, 0])
    np.testing.assert_array_equal(inputs["num_frames"], [2, 3, 4, 2, 4])


def test_outputs_of_invalid_examples_are_empty():
    valid = tf.constant([True, False])
    np.testing.assert_array_equal(where_valid(valid, tf.constant([[1.0], [np.nan]])), [[1], [0]])
    np.testing.assert_array_equal(where_valid(valid, tf.constant([["a"], ["b"]])), [[b"a"], [b""]])
