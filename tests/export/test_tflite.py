"""TFLite files against the Keras model: built-in operations, noise as input, fixed sizes."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from export import parity, tflite
from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from export.writers import tflite as tflite_writer
from tests.export import small_export
from tests.export.small_export import SETTINGS, floats, forecast, videos

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SEED = np.array([4, -9], np.int64)
kinds = pytest.mark.parametrize("kind", small_export.KINDS)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Kind -> a file of two videos per call, written by the command."""
    folder = tmp_path_factory.mktemp("tflite")
    return {kind: export(folder, kind, "--batch=2", *sampling(kind)) for kind in SETTINGS}


def sampling(kind):
    s = SETTINGS[kind]
    names = ("conditioning_frames", "horizon", "euler_steps", "frames_per_step")
    return [f"--{name}={getattr(s, name)}" for name in names]


def export(folder, kind, *arguments):
    path = folder / f"{kind}.tflite"
    arguments = f"--run_dir={small_export.run_dir(kind)}", f"--output={path}", *arguments
    assert small_export.call(tflite, *arguments) == 0
    return path


def noise(kind, num_frames):
    drawn = draw_from_start(small_export.model(kind).config, tf.constant(SEED), num_frames)
    return {name: value.numpy() for name, value in drawn.items()}


def observed(kind):
    return floats(videos(kind)[:2, : SETTINGS[kind].conditioning_frames])


@kinds
def test_many_steps_and_single_ones_are_the_forecast(files, kind):
    s, call = SETTINGS[kind], tflite_writer.load_tflite(files[kind])
    expected = forecast(kind, observed(kind), SEED)[:, 0]
    whole = noise(kind, s.conditioning_frames + s.horizon)
    outputs = call("predict_multi_step", {"frames": observed(kind), **whole})
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)
    state = call("encode", {"frames": observed(kind), **noise(kind, s.conditioning_frames)})
    frames = []
    for step in range(s.horizon):
        z = whole["noise_z"][:, s.conditioning_frames - 1 + step]
        outputs = call("predict_single_step", {**state, "noise_z": z})
        assert set(outputs) == {"next_y", "predicted_frames", "valid"}
        state["y"] = outputs["next_y"]
        frames.append(outputs["predicted_frames"])
    np.testing.assert_allclose(np.concatenate(frames, axis=1), expected, **CLOSE)


@kinds
def test_an_observed_frame_is_one_more_encoded(files, kind):
    count, call = SETTINGS[kind].conditioning_frames, tflite_writer.load_tflite(files[kind])
    state = call("encode", {"frames": observed(kind), **noise(kind, count)})
    index = np.array([count, count], np.int64)
    z = draw_at_frame(small_export.model(kind).config, SEED, index)
    frame = floats(videos(kind)[:2, count])
    after = call("observe", {**state, "frame": frame, **z})
    state |= {name.removeprefix("next_"): value for name, value in after.items()}
    z = draw_at_frame(small_export.model(kind).config, SEED, index + 1)
    outputs = call("predict_single_step", {**state, **z})
    expected = forecast(kind, floats(videos(kind)[:2, : count + 1]), SEED)[:, 0]
    r = SETTINGS[kind].frames_per_step
    np.testing.assert_allclose(outputs["predicted_frames"], expected[:, :r], **CLOSE)


@kinds
def test_an_invalid_video_is_flagged_and_touches_no_other(files, kind):
    s, call = SETTINGS[kind], tflite_writer.load_tflite(files[kind])
    frames = observed(kind)
    given = {"frames": frames, **noise(kind, s.conditioning_frames + s.horizon)}
    expected = call("predict_multi_step", given)["predicted_frames"]
    for fault in (np.nan, np.inf, 2.0):
        frames[1, 0, 3, 3, 0] = fault
        outputs = call("predict_multi_step", given)
        np.testing.assert_array_equal(outputs["valid"], [True, False])
        np.testing.assert_allclose(outputs["predicted_frames"][0], expected[0], **CLOSE)
        assert not outputs["predicted_frames"][1].any()


@kinds
def test_it_needs_built_in_operations_alone(files, kind):
    interpreter = Interpreter(model_path=str(files[kind]))
    assert not [d["op_name"] for d in interpreter._get_ops_details() if "Flex" in d["op_name"]]
    told = json.loads(files[kind].with_name(files[kind].name + ".json").read_text())
    for name, described in told["signatures"].items():
        runner = interpreter.get_signature_runner(name)
        details = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
        for side, tensors in details.items():
            found = {
                k: (d["shape"].tolist(), np.dtype(d["dtype"]).name) for k, d in tensors.items()
            }
            assert found == {k: (t["shape"], t["dtype"]) for k, t in described[side].items()}


def test_a_horizon_beyond_unrolling(tmp_path):
    s = dataclasses.replace(SETTINGS["dcgan"], horizon=100, num_samples=1)
    path = export(tmp_path, "dcgan", "--batch=2", "--horizon=100")
    given = {"frames": observed("dcgan"), **noise("dcgan", s.conditioning_frames + 100)}
    outputs = tflite_writer.load_tflite(path)("predict_multi_step", given)
    expected = forecast("dcgan", observed("dcgan"), SEED, s)[:, 0]
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)


# 8 bits are coarse for the few and random weights of so small a model.
@pytest.mark.parametrize(
    ("quantize", "allowed"),
    [("float16", 1e-3), pytest.param("dynamic_int8", 0.1, marks=pytest.mark.long)],
)
def test_quantised_files_are_smaller_and_near(tmp_path, files, quantize, allowed):
    path = export(tmp_path, "vgg", f"--quantize={quantize}", "--batch=2", *sampling("vgg"))
    s = SETTINGS["vgg"]
    given = {"frames": observed("vgg"), **noise("vgg", s.conditioning_frames + s.horizon)}
    found = tflite_writer.load_tflite(path)("predict_multi_step", given)["predicted_frames"]
    error = np.sqrt(np.mean((found - forecast("vgg", observed("vgg"), SEED)[:, 0]) ** 2))
    assert 0 < error <= allowed
    assert path.stat().st_size < files["vgg"].stat().st_size
    told = json.loads(path.with_name(path.name + ".json").read_text())
    assert told["parity"]["factor"] == parity.BOUNDS[quantize].factor


def test_large_scales_do_not_overflow(tmp_path):
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
