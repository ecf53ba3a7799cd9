"""Requests over REST -> arrays: JSON by rows (`instances`) or by columns (`inputs`)."""

import base64
import json

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from export.local_server.model_versions import check_names, invalid


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
    if ("instances" in body) == ("inputs" in body):
        raise invalid("expecting one of the keys 'inputs' and 'instances'")
    rows = "instances" in body
    columns = _columns_of_rows(body["instances"]) if rows else body["inputs"]
    if not isinstance(columns, dict):
        raise invalid(f"inputs is no object of the inputs {', '.join(sorted(signature.inputs))}")
    check_names(signature, columns)
    return {
        name: _array(name, tf.dtypes.as_dtype(info.dtype), columns[name])
        for name, info in signature.inputs.items()
    }, rows


def _columns_of_rows(rows: object) -> dict[str, list]:
    try:
        names = rows[0].keys()
        if all(row.keys() == names for row in rows):
            return {name: [row[name] for row in rows] for name in names}
    except (AttributeError, LookupError, TypeError):
        pass
    raise invalid("'instances' is no list of objects, one for each example, with equal keys")


def _array(name: str, dtype: tf.DType, value: object) -> np.ndarray:
    try:
        if dtype == tf.string:
            return np.asarray(np.frompyfunc(_bytes, 1, 1)(np.asarray(value, object)), object)
        return np.asarray(value).astype(dtype.as_numpy_dtype, casting="same_kind")
    except (KeyError, OverflowError, TypeError, ValueError):
        raise invalid(f"{name} is no regular array of JSON values of type {dtype.name}") from None


def _bytes(value: str | dict) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return base64.b64decode(value["b64"], validate=True)
