"""SavedModels converted by tf2onnx, read by ONNX Runtime."""

import subprocess
import sys

import numpy as np

OPSET = 18


def load(path, folder):
    """(A caller of the signatures of `noise_inputs`, the version of ONNX Runtime).

    Args:
        path: a folder with a SavedModel per signature.
        folder: where the converted files go.
    """
    import onnxruntime

    def call(name, tensors):
        file = folder / f"{name}.onnx"
        _convert(path / name, file)
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        given = {x.name: np.asarray(tensors[x.name]) for x in session.get_inputs()}
        names = [x.name for x in session.get_outputs()]
        return dict(zip(names, session.run(names, given), strict=True))

    return call, onnxruntime.__version__


def _convert(path, file):
    arguments = "--saved-model", str(path), "--tag", "serve", "--opset", str(OPSET)
    command = [sys.executable, "-m", "tf2onnx.convert", *arguments, "--output", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
