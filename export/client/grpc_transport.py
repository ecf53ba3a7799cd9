"""gRPC to a model server, by tensorflow-serving-api's own stubs; loads TensorFlow."""

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export.client.errors import NotListeningError, ServerError
from export.client.served_signatures import ModelMetadata, ServedModel, SignatureSpec, read_metadata

# gRPC's own limit is 4 MiB; 30 colour frames of 8 videos are 12. What the server takes, it says.
_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that is waited for is asked again about once a second.
    ("grpc.initial_reconnect_backoff_ms", 300),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport:
    """Asks `address` ("host:port") over gRPC; `timeout` in seconds holds for each call."""

    def __init__(self, address: str, timeout: float):
        self._address, self._timeout = address, timeout
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def metadata(self, model: ServedModel) -> ModelMetadata:
        """The metadata of a served model; raises `ServerError`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=_model_spec(model), metadata_field=["signature_def"]
        )
        response = self._call(self._stub.GetModelMetadata, request)
        return read_metadata(json_format.MessageToDict(response, preserving_proto_field_name=True))

    def predict(
        self, model: ServedModel, name: str, signature: SignatureSpec, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Call a signature; the arrays must be of its dtypes. Raises `ServerError`."""
        request = predict_pb2.PredictRequest(model_spec=_model_spec(model, name))
        for key, array in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
        response = self._call(self._stub.Predict, request)
        return {key: tf.make_ndarray(proto) for key, proto in response.outputs.items()}

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _call(self, method: grpc.UnaryUnaryMultiCallable, request: Message) -> Message:
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or "no reason given"
        sentence = f"{self._address}: {_sentence(code, details, self._timeout)}"
        if code is grpc.StatusCode.UNAVAILABLE and "refused" in details:
            raise NotListeningError(sentence)
        raise ServerError(code.name, sentence)


def _sentence(code: grpc.StatusCode, details: str, timeout: float) -> str:
    if code is grpc.StatusCode.UNAVAILABLE and "http1" in details.lower():
        return "that is no gRPC port; for REST put http:// before it"
    if code is grpc.StatusCode.UNAVAILABLE:
        return f"no gRPC server answers there; start it, or name another with --server ({details})"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no answer within {timeout:g} s; give it more (--timeout), or send fewer videos"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return f"the message is too large for the server; send fewer videos at once ({details})"
    return f"{details} ({code.name})"


def _model_spec(model: ServedModel, signature_name: str = "") -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=model.name, signature_name=signature_name)
    if model.version is not None:
        spec.version.value = model.version
    elif model.label is not None:
        spec.version_label = model.label
    return spec
