"""A SavedModel read through TensorFlow's C API, by ctypes: without TensorFlow's Python."""

import ctypes
import importlib.util
from pathlib import Path

import numpy as np
from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet

_STRING = 7  # numbers of TF_DataType
_DTYPES = {1: np.dtype(np.float32), 9: np.dtype(np.int64), 10: np.dtype(np.bool_)}
_TYPE_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}
_TSTRING_BYTES = 24  # sizeof(TF_TString)
# Field numbers of MetaGraphDef, SignatureDef and TensorInfo, and of entries of their maps.
_SIGNATURES, _INPUTS, _OUTPUTS, _TENSOR_NAME, _KEY, _VALUE = 5, 1, 2, 1, 1, 2


class _Handle(ctypes.c_void_p):
    """A pointer. A subclass, because ctypes turns results of c_void_p itself into integers."""


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


_RESULTS = {
    _Handle: "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_NewBuffer "
    "TF_LoadSessionFromSavedModel TF_GraphOperationByName TF_AllocateTensor TF_TensorData "
    "TF_StringGetDataPointer",
    ctypes.c_char_p: "TF_Version TF_Message",
    ctypes.c_int64: "TF_Dim",
    ctypes.c_size_t: "TF_TensorByteSize TF_StringGetSize",
}


def load(path):
    """(A caller of the signatures of a SavedModel, the version of TensorFlow that reads it)."""
    tf = _library()
    status, graph, meta_graph = tf.TF_NewStatus(), tf.TF_NewGraph(), tf.TF_NewBuffer()
    options, tags = tf.TF_NewSessionOptions(), (ctypes.c_char_p * 1)(b"serve")
    session = tf.TF_LoadSessionFromSavedModel(
        options, None, str(path).encode(), tags, 1, graph, meta_graph, status
    )
    _check(tf, status)
    buffer = ctypes.cast(meta_graph, ctypes.POINTER(_Buffer)).contents
    signatures = _signatures(ctypes.string_at(buffer.data, buffer.length))

    def outputs_of(names):
        """Tensors of the graph called operation:index."""
        found = (_Output * len(names))()
        for output, name in zip(found, names, strict=True):
            operation, index = name.split(":")
            handle = tf.TF_GraphOperationByName(graph, operation.encode())
            output.operation, output.index = handle.value, int(index)
        return found

    def call(name, tensors):
        inputs, outputs = signatures[name]
        given = (_Handle * len(inputs))(*(_to_tensor(tf, tensors[key]) for key in inputs))
        found = (_Handle * len(outputs))()
        fed = outputs_of(inputs.values()), given, len(inputs)
        fetched = outputs_of(outputs.values()), found, len(outputs)
        tf.TF_SessionRun(session, None, *fed, *fetched, None, 0, None, status)
        _check(tf, status)
        arrays = {key: _to_array(tf, tensor) for key, tensor in zip(outputs, found, strict=True)}
        for tensor in (*given, *found):
            tf.TF_DeleteTensor(tensor)
        return arrays

    return call, tf.TF_Version().decode()


def _library():
    package = importlib.util.find_spec("tensorflow").submodule_search_locations[0]  # not imported
    library = ctypes.CDLL(str(next(Path(package).glob("libtensorflow_cc.so.*"))))
    for result, names in _RESULTS.items():
        for name in names.split():
            getattr(library, name).restype = result
    return library


def _check(tf, status):
    if tf.TF_GetCode(status):
        raise RuntimeError(tf.TF_Message(status).decode())


def _signatures(meta_graph):
    """Name -> (inputs, outputs), each name -> name in the graph, of a serialized MetaGraphDef."""

    def entries(message, field):
        return {
            _fields(entry, _KEY)[0].decode(): _fields(entry, _VALUE)[0]
            for entry in _fields(message, field)
        }

    return {
        name: tuple(
            {
                key: _fields(info, _TENSOR_NAME)[0].decode()
                for key, info in entries(signature, side).items()
            }
            for side in (_INPUTS, _OUTPUTS)
        )
        for name, signature in entries(meta_graph, _SIGNATURES).items()
    }


def _fields(message, number):
    """Contents of a field of a serialized message whose type is not known here."""
    fields = UnknownFieldSet(Empty.FromString(message))
    return [field.data for field in fields if field.field_number == number]


def _to_tensor(tf, array):
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    if array.dtype.kind == "S":
        size = ctypes.c_size_t(array.size * _TSTRING_BYTES)
        tensor = tf.TF_AllocateTensor(_STRING, shape, array.ndim, size)
        for place, text in zip(_strings(tf, tensor, array.size), array.ravel(), strict=True):
            tf.TF_StringInit(place)
            tf.TF_StringCopy(place, bytes(text), ctypes.c_size_t(len(text)))
        return tensor
    array = np.ascontiguousarray(array)
    size = ctypes.c_size_t(array.nbytes)
    tensor = tf.TF_AllocateTensor(_TYPE_NUMBERS[array.dtype], shape, array.ndim, size)
    ctypes.memmove(tf.TF_TensorData(tensor), array.ctypes.data, array.nbytes)
    return tensor


def _to_array(tf, tensor):
    shape = [tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor))]
    number = tf.TF_TensorType(tensor)
    if number == _STRING:
        texts = [
            ctypes.string_at(tf.TF_StringGetDataPointer(place), tf.TF_StringGetSize(place))
            for place in _strings(tf, tensor, int(np.prod(shape)))
        ]
        return np.array(texts).reshape(shape)
    data = ctypes.string_at(tf.TF_TensorData(tensor), tf.TF_TensorByteSize(tensor))
    return np.frombuffer(data, _DTYPES[number]).reshape(shape)


def _strings(tf, tensor, count):
    start = tf.TF_TensorData(tensor).value
    return [_Handle(start + index * _TSTRING_BYTES) for index in range(count)]
