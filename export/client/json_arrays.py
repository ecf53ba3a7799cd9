"""Arrays in the JSON of TensorFlow Serving's REST interface, by rows or by columns."""

import base64
import json
from typing import Any

import numpy as np
import orjson

from export.client.served_signatures import SignatureSpec, TensorSpec


def encode_request(name: str, inputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The body of a `:predict` request for signature `name`."""
    finite = all(array.dtype.kind != "f" or np.isfinite(array).all() for array in inputs.values())
    # A bare NaN is not JSON, but the servers read it; orjson would write null.
    values = {key: _jsonable(array, finite) for key, array in inputs.items()}
    if rows:
        batch = range(len(next(iter(values.values()))))
        instances = [{key: value[i] for key, value in values.items()} for i in batch]
        body = {"signature_name": name, "instances": instances}
    else:
        body = {"signature_name": name, "inputs": values}
    if finite:
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(body).encode()


def decode_response(body: dict, signature: SignatureSpec) -> dict[str, np.ndarray]:
    """The outputs in the parsed JSON of a `:predict` answer, in either form.

    Raises:
        ValueError: it is no such answer; says what is wrong.
    """
    specs = signature.outputs
    if "outputs" in body:
        values = body["outputs"]
        if len(specs) == 1 and not (isinstance(values, dict) and values.keys() == specs.keys()):
            values = {next(iter(specs)): values}  # a single output comes without its name
    elif "predictions" in body:
        rows = body["predictions"]
        if len(specs) == 1:
            values = {next(iter(specs)): rows}
        else:
            values = {name: [row[name] for row in rows] for name in specs}
    else:
        raise ValueError("it has neither 'outputs' nor 'predictions'")
    return {name: _array(values[name], spec) for name, spec in specs.items()}


def _jsonable(array: np.ndarray, finite: bool):
    if array.dtype == object:
        return _strings_encoded(array.tolist())
    return array if finite else array.tolist()


def _strings_encoded(value: list | bytes):
    if isinstance(value, list):
        return [_strings_encoded(item) for item in value]
    return {"b64": base64.b64encode(value).decode()}


def _array(value: Any, spec: TensorSpec) -> np.ndarray:
    if spec.dtype != object:
        return np.asarray(value, spec.dtype)
    shape, flat = [], [value]
    while flat and isinstance(flat[0], list):
        shape.append(len(flat[0]))
        flat = [item for items in flat for item in items]
    array = np.empty(len(flat), object)
    array[:] = [base64.b64decode(v["b64"]) if isinstance(v, dict) else v.encode() for v in flat]
    return array.reshape(shape)
