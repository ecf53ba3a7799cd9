"""Every reader of our exports that is not ours, asked in one way."""

import sys
from pathlib import Path

import numpy as np

from export import parity
from export.writers.tflite import SIGNATURES as TFLITE_SIGNATURES
from export.writers.tflite import load_tflite as load_litert
from tests.export import small_export
from tests.export.readers import exported, onnx_files, openvino_models, other_process
from tests.export.readers.older_tensorflow import older_python, older_version
from tests.export.readers.packages import require

IMAGE_BYTES = "predict_image_bytes"  # strings and image files are TensorFlow's alone
FIRST_OF_TFLITE = TFLITE_SIGNATURES[0]


def c_api(kind, folder):
    """TensorFlow's C API in a process that never imports its Python."""
    cases = exported.cases(kind)
    served = small_export.served(kind)
    call, about = other_process.ask(sys.executable, "c_api", served, cases, folder)
    assert "tensorflow" not in about["packages"]
    return call, about["version"], cases


def older_tensorflow(kind, folder):
    """TensorFlow of two minor versions ago; nothing of ours is installed beside it."""
    cases = exported.cases(kind)
    served = small_export.served(kind)
    call, about = other_process.ask(older_python(), "python_tensorflow", served, cases, folder)
    assert about["version"].startswith(f"{older_version()}.")
    assert not {"srvp_tf", "export"} & set(about["packages"])
    return call, about["version"], cases


def openvino(kind, folder):
    """OpenVINO, one noise-input SavedModel per signature."""
    return *openvino_models.load(exported.noise_inputs(kind)), _numeric_cases(kind)


def onnx_runtime(kind, folder):
    """tf2onnx and ONNX Runtime, one noise-input SavedModel per signature."""
    cases = {name: _without_nan(case) for name, case in _numeric_cases(kind).items()}
    return *onnx_files.load(exported.noise_inputs(kind), folder), cases


def litert(kind, folder):
    """The TFLite file, read by LiteRT."""
    version = require("ai_edge_litert").__version__
    cases = {name: exported.cases(kind)[name] for name in TFLITE_SIGNATURES}
    return load_litert(exported.tflite_file(kind)), version, cases


def openvino_tflite(kind, folder):
    """The TFLite file's first signature, read by OpenVINO."""
    loaded = openvino_models.load_tflite(exported.tflite_file(kind), FIRST_OF_TFLITE)
    return *loaded, {FIRST_OF_TFLITE: exported.cases(kind)[FIRST_OF_TFLITE]}


READERS = {
    "C API": c_api,
    "older TensorFlow": older_tensorflow,
    "OpenVINO": openvino,
    "ONNX Runtime": onnx_runtime,
    "LiteRT": litert,
    "OpenVINO, TFLite": openvino_tflite,
}
"""Name -> function of (kind of model, empty folder) to (caller, version, cases for it)."""


def errors(reader, kind, folder):
    """(Signature name -> `parity.Errors`, version of the reader).

    Raises:
        UserError: one is beyond `parity.FLOAT32`.
    """
    call, version, cases = READERS[reader](kind, Path(folder))
    return parity.check_parity(call, cases), version


def _numeric_cases(kind):
    return {name: case for name, case in exported.cases(kind).items() if name != IMAGE_BYTES}


def _without_nan(case):
    # tf2onnx writes tf.where as a product with 0 or 1, so there padding has to be finite.
    tensors = {name: np.nan_to_num(np.asarray(value)) for name, value in case.tensors.items()}
    return case._replace(tensors=tensors)
