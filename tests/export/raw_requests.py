"""Requests to a server of the small dcgan, right and wrong, past the checks of the client."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

FRAMES = np.full((1, 3, 32, 32, 1), 0.5, np.float32)
GOOD = {"frames": FRAMES, "seed": np.array([3])}
# What a request may get wrong, and a word of the sentence that refuses it.
WRONG_INPUTS = {
    "rank": ({"frames": FRAMES[0]}, "frames has shape [3, 32, 32, 1]; expected [batch, 3, 32"),
    "too few frames": ({"frames": FRAMES[:, :2]}, "frames has shape [1, 2, 32, 32, 1]; expected"),
    "size": ({"frames": FRAMES[:, :, :16]}, "frames has shape [1, 3, 16, 32, 1]; expected"),
    "channels": ({"frames": np.repeat(FRAMES, 3, -1)}, "frames has shape [1, 3, 32, 32, 3]"),
    "empty batch": ({"frames": FRAMES[:0], "seed": np.zeros(0, np.int64)}, "[0"),
    "batch of another size": ({"seed": np.array([1, 2])}, "frames has 1, seed has 2"),
    "dtype of seed": ({"seed": np.array([0.5], np.float32)}, "seed"),
    "dtype of frames": ({"frames": np.full(FRAMES.shape, "a", object)}, "frames"),
    "missing": ({"seed": None}, "Missing but required: {seed}"),
    "unknown": ({"z": np.array([1.0])}, "Sent extra: {z}"),
}


def with_changes(changes):
    return {name: value for name, value in (GOOD | changes).items() if value is not None}


def grpc_request(inputs, **spec):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.get("name", "srvp")
    request.model_spec.signature_name = spec.get("signature_name", "")
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


def columns(inputs):
    return {"inputs": {name: value.tolist() for name, value in inputs.items()}}


def rows(inputs):
    return {"instances": [{name: value[0].tolist() for name, value in inputs.items()}]}
