"""`PredictionService` over gRPC: Predict and GetModelMetadata."""

import functools
import math
import sys
from collections.abc import Callable

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import Message
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export.local_server.model_versions import DEFAULT_SIGNATURE, LoadedModel, ModelVersions
from export.local_server.refusals import (
    RequestError,
    check_batch,
    check_names,
    check_shape,
    invalid,
)

SIGNATURE_DEF = "signature_def"
# TensorFlow Serving answers in the typed field of a TensorProto, not in its raw bytes.
_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "object": "string_val",
}


def _answering(handle: Callable) -> Callable:
    """A method of a servicer out of one that takes a request and may refuse it."""

    @functools.wraps(handle)
    def answer(self: "PredictionService", request: Message, context: grpc.ServicerContext):
        try:
            return handle(self, request)
        except RequestError as error:
            code, message = error.code, str(error)
        except Exception as error:  # a bug here must not stop the server, nor go unseen
            code, message = "INTERNAL", f"{type(error).__name__}: {error}"
            print(message, file=sys.stderr, flush=True)
        context.abort(getattr(grpc.StatusCode, code, grpc.StatusCode.UNKNOWN), message)

    return answer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers for a `ModelVersions`; tensors of more than `max_bytes` are refused unseen."""

    def __init__(self, versions: ModelVersions, max_bytes: int):
        self._versions, self._max_bytes = versions, max_bytes

    @_answering
    def Predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Call a signature."""
        model = self._find(request)
        name = request.model_spec.signature_name
        signature = model.signature(name)
        check_names(signature, request.inputs)
        inputs = {
            key: self._array(key, signature.inputs[key], proto)
            for key, proto in request.inputs.items()
        }
        check_batch(inputs)
        outputs = model.run(signature, inputs, list(request.output_filter))
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._versions.name
        response.model_spec.version.value = model.version
        response.model_spec.signature_name = name or DEFAULT_SIGNATURE
        for key, array in outputs.items():
            proto = response.outputs[key]
            proto.dtype = signature.outputs[key].dtype
            for size in array.shape:
                proto.tensor_shape.dim.add(size=size)
            getattr(proto, _FIELDS[array.dtype.name]).extend(array.ravel().tolist())
        return response

    @_answering
    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a model."""
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        return metadata_of(self._versions.name, self._find(request))

    def _find(self, request: Message) -> LoadedModel:
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        return self._versions.find(spec.name, version, spec.version_label)

    def _array(self, name: str, info: TensorInfo, proto: TensorProto) -> np.ndarray:
        expected = tf.dtypes.as_dtype(info.dtype)
        if proto.dtype != info.dtype:
            found = tf.dtypes.as_dtype(proto.dtype).name if proto.dtype else "nothing"
            raise invalid(f"{name} is {found}; expected {expected.name}")
        shape = [dim.size for dim in proto.tensor_shape.dim]
        check_shape(name, info, shape)
        # One value may stand for all of a shape: a small message could ask for any memory.
        if math.prod(shape) * expected.size > self._max_bytes:
            raise invalid(f"{name} of shape {shape} is more than this server takes")
        try:
            return tf.make_ndarray(proto)
        except (ValueError, TypeError) as error:
            raise invalid(f"{name} is no tensor of shape {shape}: {error}") from None


def metadata_of(name: str, model: LoadedModel) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The metadata of a `LoadedModel`, as a message."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = model.version
    definitions = get_model_metadata_pb2.SignatureDefMap(signature_def=model.signatures)
    response.metadata[SIGNATURE_DEF].Pack(definitions)
    return response
