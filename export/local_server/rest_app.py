"""The REST routes of TensorFlow Serving, by aiohttp, which reads no more of a body than allowed."""

import asyncio
import json
import re

from aiohttp import web
from google.protobuf import json_format

from export.json_arrays import json_of, rows_of
from export.local_server.grpc_service import SIGNATURE_DEF, metadata_of
from export.local_server.json_tensors import inputs_of, parse_body
from export.local_server.model_versions import ModelVersions, RequestError, invalid, refusal

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)
_CALL = re.compile(rf"{_MODEL}:predict", re.IGNORECASE)
_LOOK = re.compile(rf"{_MODEL}(?P<metadata>/metadata)?", re.IGNORECASE)

_HTTP_STATUS = {  # else 500
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
}


def make_app(versions: ModelVersions, max_bytes: int) -> web.Application:
    """The application; a body of more than `max_bytes` is refused."""

    async def handle(request: web.Request) -> web.Response:
        try:
            if request.method == "POST" and (found := _CALL.fullmatch(request.path)):
                body = await request.read()
                return _json(await asyncio.to_thread(_predict, versions, found, body))
            if request.method == "GET" and (found := _LOOK.fullmatch(request.path)):
                answer = _metadata if found["metadata"] else _status
                return _json(json.dumps(answer(versions, *_which(found))).encode())
            raise invalid(f"Malformed request: {request.method} {request.path}")
        except web.HTTPRequestEntityTooLarge:
            message = f"the body is larger than max ({max_bytes} bytes); send fewer examples"
            status = 413
        except Exception as error:
            code, message = refusal(error)
            status = _HTTP_STATUS.get(code, 500)
        return _json(json.dumps({"error": message}).encode(), status)

    app = web.Application(client_max_size=max_bytes)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _predict(versions: ModelVersions, found: re.Match, body: bytes) -> bytes:
    model = versions.find(*_which(found))
    name, parsed = parse_body(body)
    signature = model.signature(name)
    inputs, rows = inputs_of(parsed, signature)
    outputs = model.run(signature, inputs, [])
    # Floats are finite, as what is exported sees to.
    return json_of({"predictions": rows_of(outputs)} if rows else {"outputs": outputs})


def _metadata(versions: ModelVersions, *which: str | int | None) -> dict:
    body = json_format.MessageToDict(
        metadata_of(versions.name, versions.find(*which)),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    del body["metadata"][SIGNATURE_DEF]["@type"]  # which TensorFlow Serving does not print
    return body


def _status(versions: ModelVersions, name: str, version: int | None, label: str | None) -> dict:
    if version is not None or label:
        rows = [_version_status(versions.find(name, version, label).version, "AVAILABLE")]
    elif name != versions.name:
        raise RequestError("NOT_FOUND", f"Could not find any versions of model {name}")
    else:
        ready = [_version_status(number, "AVAILABLE") for number in versions.ready()]
        failed = [_version_status(n, "END", why) for n, why in versions.failures().items()]
        rows = sorted(ready + failed, key=lambda row: -int(row["version"]))
    return {"model_version_status": rows}


def _version_status(version: int, state: str, reason: str = "") -> dict:
    status = {"error_code": "UNKNOWN" if reason else "OK", "error_message": reason}
    return {"version": str(version), "state": state, "status": status}


def _which(found: re.Match) -> tuple[str, int | None, str | None]:
    return found["name"], int(found["version"]) if found["version"] else None, found["label"]


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
