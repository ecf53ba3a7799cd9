"""`SRVP.forecast`: a sample depends on seed, video, sample and frame alone; errors are clear."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.models.noise import forecast_noise
from tests.models.small import random_videos, small_model, spread_statistics

CLOSE = {"atol": 1e-5}


@pytest.fixture(scope="module")
def model():
    return spread_statistics(small_model(skips=True))


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 3, 4)


@pytest.fixture(scope="module")
def whole(model, videos):
    """3 videos, 4 samples, 5 frames; they differ from each other by far more than `CLOSE`."""
    frames = model.forecast(videos, 5, num_samples=4, seed=11).numpy()
    assert frames.shape == (3, 4, 5, 32, 32, 1)
    for axis in range(3):
        assert np.abs(np.diff(frames, axis=axis)).max(axis=(3, 4, 5)).min() > 1e-3
    return frames


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"num_samples": 2}, np.s_[:, :2]),
        ({"horizon": 3}, np.s_[:, :, :3]),
        ({"euler_steps": 2}, np.s_[:]),  # the training's
    ],
)
def test_it_does_not_depend_on_what_else_is_asked(model, videos, whole, options, shown):
    frames = model.forecast(videos, **({"horizon": 5, "num_samples": 4, "seed": 11} | options))
    np.testing.assert_allclose(frames, whole[shown], **CLOSE)


def test_it_does_not_depend_on_the_other_videos_or_the_batch_axis(model, videos, whole):
    others = videos.copy()
    others[1:] = 255 - others[1:]
    frames = model.forecast(others, 5, num_samples=4, seed=11)
    np.testing.assert_allclose(frames[0], whole[0], **CLOSE)
    alone = model.forecast(videos[2], 5, num_samples=4, seed=11, video_ids=[2])
    np.testing.assert_allclose(alone, whole[2], **CLOSE)


def test_a_horizon_beyond_unrolling_continues_a_shorter_one(model, videos, whole):
    frames = model.forecast(videos, 40, num_samples=4, seed=11)
    np.testing.assert_allclose(frames[:, :, :5], whole, **CLOSE)


def test_frames_between_leave_those_at_frame_times_as_they_are(model, videos, whole):
    frames = model.forecast(videos, 5, num_samples=4, seed=11, frames_per_step=2)
    assert frames.shape[2] == 10
    np.testing.assert_allclose(frames[:, :, 1::2], whole, **CLOSE)


@pytest.mark.parametrize("changed", [{"euler_steps": 8}, {"seed": 12}, {"video_ids": [3, 4, 5]}])
def test_what_changes_the_future(model, videos, whole, changed):
    frames = model.forecast(videos, 5, num_samples=4, **({"seed": 11} | changed))
    assert np.abs(frames - whole).max(axis=(3, 4, 5)).min() > 1e-4


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_floats_in_the_unit_range_give_what_uint8_gives(model, videos, whole, dtype):
    frames = model.forecast((videos / 255.0).astype(dtype), 5, num_samples=4, seed=11)
    np.testing.assert_allclose(frames, whole, atol=1e-2 if dtype == np.float16 else 1e-5)


def test_given_noise_gives_the_same(model, videos, whole):
    noise = forecast_noise(model.config, 11, tf.range(3), tf.range(4), 9)
    frames = model.forecast_from_noise(tf.constant(videos), noise)
    np.testing.assert_allclose(frames, whole, **CLOSE)


def test_equal_shapes_are_traced_once(videos):
    model = small_model()
    for seed in range(4):
        model.forecast(videos, 3, num_samples=2, seed=seed, video_ids=[seed, 1, 2])
    assert model._compiled_forecast.experimental_get_tracing_count() == 1


FRAMES = np.zeros((2, 4, 32, 32, 1), np.uint8)


@pytest.mark.parametrize(
    ("frames", "options", "culprit"),
    [
        (np.zeros((2, 4, 64, 64, 1), np.uint8), {}, "(2, 4, 64, 64, 1)"),
        (np.zeros((32, 32), np.uint8), {}, "(32, 32)"),
        (FRAMES[:, :2], {}, "2 frames"),
        (FRAMES.astype(np.int32), {}, "int32"),
        (FRAMES + np.float32(255), {}, "float frames range from 255 to 255"),
        (FRAMES + np.nan, {}, "float frames range from nan to nan"),
        ([np.zeros((32, 32, 1)), np.zeros((64, 64, 1))], {}, "frames cannot be made one tensor: "),
        (None, {}, "frames "),
        (FRAMES, {"horizon": 0}, "horizon=0"),
        (FRAMES, {"horizon": 2.0}, "horizon=2.0; give a whole number"),
        (FRAMES, {"horizon": 2**31}, f"horizon={2**31} is out of range; the limit is {2**31 - 1}"),
        (FRAMES, {"num_samples": 0}, "num_samples=0"),
        (FRAMES, {"seed": None}, "seed=None; give a whole number"),
        (FRAMES, {"seed": 2**63}, f"seed={2**63} is out of range; the limit is {2**63 - 1}"),
        (FRAMES, {"euler_steps": -2}, "euler_steps=-2"),
        (FRAMES, {"frames_per_step": 0}, "frames_per_step=0"),
        (FRAMES, {"euler_steps": 4, "frames_per_step": 3}, "frames_per_step=3"),
        (FRAMES, {"video_ids": [0]}, "video_ids"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(model, frames, options, culprit):
    with pytest.raises(UserError) as error:
        model.forecast(frames, **({"horizon": 3} | options))
    assert culprit in str(error.value)
    assert "\n" not in str(error.value)


def test_numpys_integers_and_lists_of_arrays_are_taken(model, videos):
    expected = model.forecast(videos, 2, frames_per_step=2)
    asked = {"horizon": np.int64(2), "frames_per_step": np.int8(2)}
    lists = [[list(video) for video in videos], (*videos[:2], tf.constant(videos[2]))]
    for frames in lists:
        np.testing.assert_array_equal(model.forecast(frames, **asked), expected)


def test_in_a_graph_the_number_of_frames_must_be_known(model, videos):
    videos = videos[:2, :3]

    def compiled(*shape):
        spec = tf.TensorSpec(shape if shape else None, tf.uint8)
        return tf.function(lambda frames: model.forecast(frames, 2), input_signature=[spec])

    expected = model.forecast(videos, 2)
    np.testing.assert_allclose(compiled(None, 3, None, None, None)(videos), expected, **CLOSE)
    for shape in ((None, None, 32, 32, 1), ()):
        # TensorFlow says where in the graph, and makes it an exception of its own.
        with pytest.raises(Exception, match="UserError: how many frames there are is not known"):
            compiled(*shape).get_concrete_function()


@pytest.mark.parametrize("changes", [{"stochastic": False}, {"family": "vgg", "skips": True}])
def test_its_graph_is_one_that_other_runtimes_read(changes):
    model = small_model(**changes)
    spec = tf.TensorSpec([None, 4, 32, 32, 1])
    forecast = tf.function(lambda frames: model.forecast(frames, 2), input_signature=[spec])
    definition = forecast.get_concrete_function().graph.as_graph_def(add_shapes=False)
    functions = [function.node_def for function in definition.library.function]
    nodes = [node for part in (definition.node, *functions) for node in part]
    assert "Conv2D" in {node.op for node in nodes}
    # tf2onnx knows no BroadcastArgs; OpenVINO reverses one axis at a time.
    assert "BroadcastArgs" not in {node.op for node in nodes}
    axes = [node.input[1].partition(":")[0] for node in nodes if node.op == "ReverseV2"]
    constants = [node.attr["value"].tensor for node in nodes if node.name in axes]
    assert constants and all(tf.make_ndarray(constant).size == 1 for constant in constants)
