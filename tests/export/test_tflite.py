"""TFLite files against the Keras model: built-in operations, noise as input, fixed sizes."""

import json

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from export import parity, tflite
from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from export.writers import tflite as tflite_writer
from tests.export.small_export import TFLITE_SETTINGS, floats

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SEED = np.array([4, -9], np.int64)


@pytest.fixture
def call(exported):
    return tflite_writer.load_tflite(exported.tflite_file)


@pytest.fixture
def observed(exported):
    return floats(exported.given(2))


def noise(exported, num_predicted):
    num_frames = exported.settings.conditioning_frames + num_predicted
    return draw_from_start(exported.model.config, tf.constant(SEED), num_frames)


def metadata(path):
    return json.loads(path.with_name(path.name + ".json").read_text())


def test_many_steps_and_single_ones_are_the_forecast(exported, call, observed):
    s = exported.settings
    expected = exported.forecast(observed, SEED)[:, 0]
    whole = noise(exported, s.horizon)
    outputs = call("predict_multi_step", {"frames": observed, **whole})
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)
    state = call("encode", {"frames": observed, **noise(exported, 0)})
    frames = []
    for step in range(s.horizon):
        z = whole["noise_z"][:, s.conditioning_frames - 1 + step]
        outputs = call("predict_single_step", {**state, "noise_z": z})
        assert set(outputs) == exported.changed | {"predicted_frames", "valid"}
        state |= {name.removeprefix("next_"): outputs[name] for name in exported.changed}
        frames.append(outputs["predicted_frames"])
    np.testing.assert_allclose(np.concatenate(frames, axis=1), expected, **CLOSE)


def test_an_observed_frame_is_one_more_encoded(exported, call, observed):
    config, count = exported.model.config, exported.settings.conditioning_frames
    state = call("encode", {"frames": observed, **noise(exported, 0)})
    index = np.array([count, count], np.int64)
    videos = floats(exported.videos[:2, : count + 1])
    frame = {"frame": videos[:, -1], **draw_at_frame(config, SEED, index)}
    after = call("observe", {**state, **frame})
    state |= {name.removeprefix("next_"): value for name, value in after.items()}
    outputs = call("predict_single_step", {**state, **draw_at_frame(config, SEED, index + 1)})
    expected = exported.forecast(videos, SEED)[:, 0]
    r = exported.settings.frames_per_step
    np.testing.assert_allclose(outputs["predicted_frames"], expected[:, :r], **CLOSE)


def test_an_invalid_video_is_flagged_and_touches_no_other(exported, call, observed):
    given = {"frames": observed, **noise(exported, exported.settings.horizon)}
    expected = call("predict_multi_step", given)["predicted_frames"]
    for fault in (np.nan, np.inf, 2.0):
        observed[1, 0, 3, 3, 0] = fault
        outputs = call("predict_multi_step", given)
        np.testing.assert_array_equal(outputs["valid"], [True, False])
        np.testing.assert_allclose(outputs["predicted_frames"][0], expected[0], **CLOSE)
        assert not outputs["predicted_frames"][1].any()


def test_it_needs_built_in_operations_alone(exported):
    interpreter = Interpreter(model_path=str(exported.tflite_file))
    assert not [d["op_name"] for d in interpreter._get_ops_details() if "Flex" in d["op_name"]]
    for name, described in metadata(exported.tflite_file)["signatures"].items():
        runner = interpreter.get_signature_runner(name)
        details = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
        for side, tensors in details.items():
            found = {
                k: (d["shape"].tolist(), np.dtype(d["dtype"]).name) for k, d in tensors.items()
            }
            assert found == {k: (t["shape"], t["dtype"]) for k, t in described[side].items()}


def test_a_horizon_beyond_unrolling(dcgan, tmp_path):
    path = dcgan.write(tflite, "output", tmp_path / "long.tflite", "--batch=2", "--horizon=100")
    frames = floats(dcgan.given(2))
    given = {"frames": frames, **noise(dcgan, 100)}
    outputs = tflite_writer.load_tflite(path)("predict_multi_step", given)
    expected = dcgan.forecast(frames, SEED, horizon=100, num_samples=1)[:, 0]
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)


# 8 bits are coarse for the few and random weights of so small a model.
@pytest.mark.parametrize(
    ("quantize", "allowed"),
    [("float16", 1e-3), pytest.param("dynamic_int8", 0.1, marks=pytest.mark.long)],
)
def test_quantised_files_are_smaller_and_near(vgg, tmp_path, quantize, allowed):
    arguments = f"--quantize={quantize}", "--batch=2", *vgg.flags(TFLITE_SETTINGS)
    path = vgg.write(tflite, "output", tmp_path / "quantised.tflite", *arguments)
    frames = floats(vgg.given(2))
    given = {"frames": frames, **noise(vgg, vgg.settings.horizon)}
    found = tflite_writer.load_tflite(path)("predict_multi_step", given)["predicted_frames"]
    error = np.sqrt(np.mean((found - vgg.forecast(frames, SEED)[:, 0]) ** 2))
    assert 0 < error <= allowed
    assert path.stat().st_size < vgg.tflite_file.stat().st_size
    assert metadata(path)["parity"]["factor"] == parity.BOUNDS[quantize].factor


def test_large_scales_do_not_overflow():
    from srvp_tf.models.distributions import gaussian

    @tf.function(input_signature=[tf.TensorSpec([1, 6])])
    def scale(params):
        return {"scale": gaussian(params).scale}

    module = tf.Module()
    functions = [scale.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, module)
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    raw = np.array([[0, 0, 0, -200, 0, 200]], np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], raw)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, [[1e-8, np.log(2), 200]], rtol=1e-6)
