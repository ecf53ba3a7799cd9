"""SavedModels and TFLite files read by OpenVINO."""

import numpy as np

# Without it the CPU may compute in bfloat16.
_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32"}


def load(path):
    """(A caller of the signatures of `noise_inputs`, the version of OpenVINO)."""
    import openvino

    def call(name, tensors):
        return _compiled(path / name)(tensors)

    return call, openvino.__version__


def load_tflite(path, signature):
    """(A caller of the first signature of a TFLite file, the version of OpenVINO).

    OpenVINO reads the first one only, and does not know what the signature calls its tensors.
    """
    import openvino
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner(signature)
    inputs = {key: x["name"] for key, x in runner.get_input_details().items()}
    outputs = {key: x["name"] for key, x in runner.get_output_details().items()}

    batch = interpreter.get_input_details()[0]["shape"][0]
    run = _compiled(path)

    def call(name, tensors):
        assert name == signature
        given = {inputs[key]: np.asarray(tensors[key]) for key in inputs}
        found = [
            run({key: x[first : first + batch] for key, x in given.items()})
            for first in range(0, len(tensors["frames"]), batch)
        ]
        return {key: np.concatenate([x[name] for x in found]) for key, name in outputs.items()}

    return call, openvino.__version__


def _compiled(path):
    """A caller of a model: name -> array to name -> array."""
    import openvino

    model = openvino.Core().compile_model(str(path), "CPU", _OPTIONS)

    def run(tensors):
        given = {
            port: np.asarray(tensors[name])
            for port in model.inputs
            for name in port.names & tensors.keys()
        }
        found = model(given)
        return {name: found[port] for port in model.outputs for name in port.names}

    return run
