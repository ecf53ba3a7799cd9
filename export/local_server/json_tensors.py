"""JSON of the REST interface <-> arrays: rows (`instances`) or columns (`inputs`)."""

import base64
import json
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from export.local_server.request_checks import check_batch, check_names, check_shape
from export.local_server.request_error import invalid

# Kinds of NumPy arrays that JSON numbers, and nothing else, become.
_KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}


def parse_body(body: bytes) -> tuple[str, dict]:
    """(signature name, the body as an object); raises `RequestError`.

    NaN, Infinity and -Infinity are read as TensorFlow Serving reads them.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error or 'nested too deeply'}") from None
    if not isinstance(parsed, dict):
        raise invalid(f"the JSON is a {type(parsed).__name__}, not an object")
    name = parsed.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid("'signature_name' key must be a string value.")
    return name, parsed


def inputs_of(body: dict, signature: SignatureDef) -> tuple[dict[str, np.ndarray], bool]:
    """(name -> array, whether they came in rows); raises `RequestError`."""
    forms = {"instances", "inputs"} & body.keys()
    if len(forms) != 1:
        raise invalid(
            "expecting only one of 'inputs' or 'instances' keys to exist"
            if forms
            else "Missing 'inputs' or 'instances' key"
        )
    rows = "instances" in forms
    columns = _columns_of_rows(body["instances"], signature) if rows else body["inputs"]
    if not isinstance(columns, dict) or _is_b64(columns):
        if len(signature.inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                f"are required: {', '.join(sorted(signature.inputs))}"
            )
        columns = {next(iter(signature.inputs)): columns}
    check_names(signature, columns)
    arrays = {name: _array(name, signature.inputs[name], columns[name]) for name in columns}
    check_batch(arrays)
    return arrays, rows


def encode_outputs(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The JSON of an answer; raises `RequestError` where rows cannot be made."""
    values = {name: _jsonable(name, array) for name, array in outputs.items()}
    single = next(iter(values.values())) if len(values) == 1 else None
    if not rows:
        body = {"outputs": values if single is None else single}
    else:
        sizes = {array.shape[0] if array.ndim else 0 for array in outputs.values()}
        if len(sizes) != 1:
            raise invalid("the outputs have no common batch dimension: ask with 'inputs'")
        body = {
            "predictions": single
            if single is not None
            else [{name: value[i] for name, value in values.items()} for i in range(sizes.pop())]
        }
    if all(array.dtype.kind != "f" or np.isfinite(array).all() for array in outputs.values()):
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(body, default=lambda array: array.tolist()).encode()


def _columns_of_rows(rows: object, signature: SignatureDef) -> dict:
    if not isinstance(rows, list) or not rows:
        raise invalid("'instances' is empty or no list: give one example or more")
    if all(isinstance(row, dict) and not _is_b64(row) for row in rows):
        expected = set(signature.inputs)
        for index, row in enumerate(rows):
            if row.keys() != expected:
                raise invalid(
                    f"Failed to process element: {index} of 'instances' list. Keys "
                    f"{', '.join(sorted(row)) or 'none'} must be equal to: "
                    f"{', '.join(sorted(expected))}"
                )
        return {name: [row[name] for row in rows] for name in expected}
    if len(signature.inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            f"are required: {', '.join(sorted(signature.inputs))}"
        )
    return {next(iter(signature.inputs)): rows}


def _array(name: str, info: TensorInfo, value: object) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    array = _bytes_array(name, value) if dtype == tf.string else _numbers(name, dtype, value)
    check_shape(name, info, array.shape)
    return array


def _numbers(name: str, dtype: tf.DType, value: object) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise invalid(f"{name} is no regular array: its lists have different lengths") from None
    wanted = np.dtype(dtype.as_numpy_dtype)
    # An empty list has no kind; its shape is refused next.
    if array.size and array.dtype.kind not in _KINDS.get(wanted.kind, ""):
        raise invalid(f"{name} holds JSON values that are not of expected type: {dtype.name}")
    return array.astype(wanted)


def _bytes_array(name: str, value: Any) -> np.ndarray:
    shape, flat = [], [value]
    while isinstance(flat[0], list):
        lengths = {len(item) if isinstance(item, list) else None for item in flat}
        if len(lengths) > 1:
            raise invalid(f"{name} is no regular array: its lists have different lengths")
        shape.append(lengths.pop())
        flat = [item for items in flat for item in items]
        if not flat:
            break
    array = np.empty(len(flat), object)
    array[:] = [_bytes(name, item) for item in flat]
    return array.reshape(shape)


def _bytes(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not _is_b64(value):
        raise invalid(f'{name} holds JSON values that are no strings, nor {{"b64": "..."}}')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except ValueError:
        raise invalid(f"{name} holds a b64 string that is not base64") from None


def _is_b64(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _jsonable(name: str, array: np.ndarray):
    if array.dtype == object:
        return _strings_encoded(array.tolist(), name.endswith("_bytes"))
    return np.ascontiguousarray(array)


def _strings_encoded(value: list | bytes, as_base64: bool):
    if isinstance(value, list):
        return [_strings_encoded(item, as_base64) for item in value]
    if as_base64:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")
