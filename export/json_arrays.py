"""Arrays as JSON, as TensorFlow Serving's REST interface has them: by rows or by columns."""

import base64
import json
from collections.abc import Mapping

import numpy as np
import orjson


def rows_of(arrays: Mapping[str, np.ndarray]) -> list[dict]:
    """Arrays [B, ...] by name -> an object by name for each of the B examples."""
    return [dict(zip(arrays, row, strict=True)) for row in zip(*arrays.values(), strict=True)]


def json_of(body: dict, finite: bool = True) -> bytes:
    """An object with arrays as JSON; bytes become {"b64": "..."}.

    Numbers that are not finite are told as NaN and Infinity unless the caller knows of none: that
    is not JSON, but the servers read it. It takes longer.
    """
    if finite:
        return orjson.dumps(body, _jsonable, orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(body, default=_jsonable).encode()


def _jsonable(value: np.ndarray | np.generic | bytes) -> list | dict:
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()
