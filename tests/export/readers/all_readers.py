"""Every reader of our exports that is not ours, asked in one way."""

import sys
from pathlib import Path

import numpy as np

from export import parity
from export.writers.tflite import SIGNATURES as TFLITE_SIGNATURES
from export.writers.tflite import load_tflite as load_litert
from tests.export.readers import onnx_files, openvino_models, other_process
from tests.export.readers.older_tensorflow import older_python, older_version

IMAGE_BYTES = "predict_image_bytes"  # strings and image files are TensorFlow's alone
FIRST_OF_TFLITE = TFLITE_SIGNATURES[0]


def c_api(exported, folder):
    """TensorFlow's C API in a process that never imports its Python."""
    asked = exported.served, exported.cases, folder
    call, about = other_process.ask(sys.executable, "c_api", *asked)
    assert not {"tensorflow", "srvp_tf", "export"} & set(about["packages"])
    return call, about["version"], exported.cases


def older_tensorflow(exported, folder):
    """TensorFlow of two minor versions ago; nothing of ours is installed beside it."""
    asked = exported.served, exported.cases, folder
    call, about = other_process.ask(older_python(), "python_tensorflow", *asked)
    assert about["version"].startswith(f"{older_version()}.")
    assert not {"srvp_tf", "export"} & set(about["packages"])
    return call, about["version"], exported.cases


def openvino(exported, folder):
    """OpenVINO, one noise-input SavedModel per signature."""
    return *openvino_models.load(exported.noise_inputs), _numeric_cases(exported)


def onnx_runtime(exported, folder):
    """tf2onnx and ONNX Runtime, one noise-input SavedModel per signature."""
    cases = {name: _without_nan(case) for name, case in _numeric_cases(exported).items()}
    return *onnx_files.load(exported.noise_inputs, folder), cases


def litert(exported, folder):
    """The TFLite file, read by LiteRT."""
    import ai_edge_litert

    cases = {name: exported.cases[name] for name in TFLITE_SIGNATURES}
    return load_litert(exported.tflite_file), ai_edge_litert.__version__, cases


def openvino_tflite(exported, folder):
    """The TFLite file's first signature, read by OpenVINO."""
    loaded = openvino_models.load_tflite(exported.tflite_file, FIRST_OF_TFLITE)
    return *loaded, {FIRST_OF_TFLITE: exported.cases[FIRST_OF_TFLITE]}


READERS = {
    "C API": c_api,
    "older TensorFlow": older_tensorflow,
    "OpenVINO": openvino,
    "ONNX Runtime": onnx_runtime,
    "LiteRT": litert,
    "OpenVINO, TFLite": openvino_tflite,
}
"""Name -> function of (`SmallExport`, empty folder) to (caller, version, cases for it)."""


def errors(reader, exported, folder):
    """(Signature name -> `parity.Errors`, version of the reader) of a `SmallExport`.

    Raises:
        UserError: one is beyond `parity.FLOAT32`.
    """
    call, version, cases = READERS[reader](exported, Path(folder))
    return parity.check_parity(call, cases), version


def _numeric_cases(exported):
    return {name: case for name, case in exported.cases.items() if name != IMAGE_BYTES}


def _without_nan(case):
    # tf2onnx writes tf.where as a product with 0 or 1, so there padding has to be finite.
    tensors = {name: np.nan_to_num(np.asarray(value)) for name, value in case.tensors.items()}
    return case._replace(tensors=tensors)
