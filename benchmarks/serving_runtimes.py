"""One model in the runtimes that serve it, behind the same three calls."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from export.writers import saved_model as saved_model_writer
from export.writers import tflite as tflite_writer

NUM_THREADS = os.cpu_count()


class Calls(NamedTuple):
    """Calls of one runtime for B videos; each returns when its work is done.

    encode: () -> state after the observed frames.
    step: state -> the next frame.
    predict: () -> all frames [B, K, H, W, C].
    """

    encode: Callable
    step: Callable
    predict: Callable


def keras_calls(model, settings, frames):
    """`SRVP.forecast`: "encode" and one step are a forecast of one frame."""

    def forecast(horizon):
        sampling = 1, 0, settings.euler_steps, settings.frames_per_step
        ids = np.zeros(len(frames), int)
        return model.forecast(frames, horizon, *sampling, video_ids=ids)[:, 0].numpy()

    return Calls(lambda: None, lambda _: forecast(1), lambda: forecast(settings.horizon))


def write_saved_models(folder, model, settings):
    """The SavedModel for TensorFlow Serving, and one per signature with its noise as input."""
    saved_model_writer.write_served(folder / "served", model, settings)
    saved_model_writer.write_noise_inputs(folder / "noise_inputs", model, settings)


def saved_model_calls(folder, settings, frames):
    """The signatures of the SavedModel, called from Python: seeds go in."""
    loaded = tf.saved_model.load(str(folder / "served"))
    seed = tf.zeros(len(frames), tf.int64)
    at_frame = {"seed": seed, "frame_index": seed + settings.conditioning_frames}

    def call(name, tensors):
        function = loaded.signatures[name]
        return function(**{key: tensors[key] for key in function.structured_input_signature[1]})

    def observed():
        return {"frames": tf.constant(frames), "seed": seed}

    def encode():
        return call("encode", observed())

    return _calls(encode, call, observed, at_frame)


def tflite_calls(file, noise, frames):
    """The signatures of a TFLite file of as many videos, run by LiteRT on all cores."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), num_threads=NUM_THREADS)
    runners = {name: interpreter.get_signature_runner(name) for name in tflite_writer.SIGNATURES}
    keys = {name: list(runner.get_input_details()) for name, runner in runners.items()}

    def call(name, tensors):
        return runners[name](**{key: tensors[key] for key in keys[name]})

    return _noise_input_calls(call, noise, frames)


def openvino_calls(folder, noise, frames):
    """The noise-input SavedModels, compiled by OpenVINO for as many videos, in float32."""
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    models = {}
    for name in ("encode", "predict_single_step", "predict_multi_step"):
        model = core.read_model(str(folder / "noise_inputs" / name))
        shapes = {port: [len(frames), *list(port.partial_shape)[1:]] for port in model.inputs}
        model.reshape(shapes)
        models[name] = core.compile_model(model, "CPU", options)

    def call(name, tensors):
        model = models[name]
        found = model({port: tensors[port.any_name] for port in model.inputs})
        return {port.any_name: found[port] for port in model.outputs}

    return _noise_input_calls(call, noise, frames)


def convert_tflite(file, model, settings, batch_size, quantize="none"):
    """Write a TFLite file; returns it."""
    content, _ = tflite_writer.convert(model, settings, batch_size, quantize)
    Path(file).write_bytes(content)
    return file


def _noise_input_calls(call, noise, frames):
    """`Calls` of signatures that take noise_y [B, ny] and noise_z [B, T - 1 + K, nz]."""
    frames = np.asarray(frames)
    whole = {"frames": frames, **noise}
    num_observed = frames.shape[1] - 1
    observed = whole | {"noise_z": np.ascontiguousarray(noise["noise_z"][:, :num_observed])}
    at_frame = {"noise_z": np.ascontiguousarray(noise["noise_z"][:, num_observed])}
    return _calls(lambda: call("encode", observed), call, lambda: whole, at_frame)


def _calls(encode, call, observed, at_frame):
    def step(state):
        return np.asarray(call("predict_single_step", {**state, **at_frame})["predicted_frames"])

    def predict():
        return np.asarray(call("predict_multi_step", observed())["predicted_frames"])

    return Calls(encode, step, predict)
