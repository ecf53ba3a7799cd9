"""JSON of the REST interface <-> arrays: rows (`instances`) or columns (`inputs`)."""

import base64
import functools
import json

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from export.json_arrays import json_of, rows_of
from export.local_server.refusals import check_batch, check_names, check_shape, invalid

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
    if not isinstance(columns, dict):
        raise invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors "
            f"are required: {', '.join(sorted(signature.inputs))}"
        )
    check_names(signature, columns)
    arrays = {name: _array(name, signature.inputs[name], columns[name]) for name in columns}
    check_batch(arrays)
    return arrays, rows


def encode_outputs(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The JSON of an answer, of outputs [B, ...]: floats are finite, as what is exported sees to.

    Raises `RequestError` where rows cannot be made.
    """
    if rows and len({array.shape[:1] for array in outputs.values()}) != 1:
        raise invalid("the outputs have no common batch dimension: ask with 'inputs'")
    return json_of({"predictions": rows_of(outputs)} if rows else {"outputs": outputs})


def _columns_of_rows(rows: object, signature: SignatureDef) -> dict:
    if not isinstance(rows, list) or not rows:
        raise invalid("'instances' is empty or no list: give one example or more")
    expected = sorted(signature.inputs)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise invalid(
                "instances is a plain list, but expecting list of objects as multiple input "
                f"tensors are required: {', '.join(expected)}"
            )
        if row.keys() != set(expected):
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. Keys "
                f"{', '.join(sorted(row)) or 'none'} must be equal to: {', '.join(expected)}"
            )
    return {name: [row[name] for row in rows] for name in expected}


def _array(name: str, info: TensorInfo, value: object) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    try:
        array = np.asarray(value, object if dtype == tf.string else None)
    except (ValueError, OverflowError):
        raise invalid(f"{name} is no regular array: its lists have different lengths") from None
    if dtype == tf.string:
        array = np.asarray(np.frompyfunc(functools.partial(_bytes, name), 1, 1)(array), object)
    # An empty list has no kind; its shape is refused next.
    elif array.size and array.dtype.kind not in _KINDS[np.dtype(dtype.as_numpy_dtype).kind]:
        raise invalid(f"{name} holds JSON values that are not of expected type: {dtype.name}")
    check_shape(name, info, array.shape)
    return array.astype(dtype.as_numpy_dtype)


def _bytes(name: str, value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        raise invalid(f"{name} is no regular array: its lists have different lengths")
    if not isinstance(value, dict) or not isinstance(value.get("b64"), str):
        raise invalid(f'{name} holds JSON values that are no strings, nor {{"b64": "..."}}')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except ValueError:
        raise invalid(f"{name} holds a b64 string that is not base64") from None
