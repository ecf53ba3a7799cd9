"""The REST routes of TensorFlow Serving, by aiohttp.

aiohttp refuses a body by its length before it is read and needs no thread per connection, so
neither large bodies nor many clients cost memory.
"""

import asyncio
import json
import re
import sys
from concurrent.futures import Executor

from aiohttp import web
from google.protobuf import json_format

from export.local_server.grpc_service import SIGNATURE_DEF, metadata_of
from export.local_server.json_tensors import encode_outputs, inputs_of, parse_body
from export.local_server.model_versions import ModelVersions
from export.local_server.refusals import RequestError, invalid

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)
_CALL = re.compile(rf"{_MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_LOOK = re.compile(rf"{_MODEL}(?P<metadata>/metadata)?", re.IGNORECASE)
_BODY_SECONDS = 60  # a client that sends its body slower must not hold a place for ever

HTTP_STATUS = {  # else 500
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def make_app(
    versions: ModelVersions, workers: Executor, places: int, max_bytes: int
) -> web.Application:
    """The application: at most `places` bodies are in memory at a time, of `max_bytes` each."""
    free = asyncio.Semaphore(places)
    too_large = f"the body is larger than max ({max_bytes} bytes); send fewer examples at once"

    async def handle(request: web.Request) -> web.Response:
        try:
            if request.method == "POST" and (found := _CALL.fullmatch(request.path)):
                if request.content_length and request.content_length > max_bytes:
                    return _refusal(too_large, 413)
                async with free:
                    body = await asyncio.wait_for(request.read(), _BODY_SECONDS)
                    work = asyncio.get_running_loop().run_in_executor(
                        workers, _predict, versions, found, body
                    )
                    del body
                    return _json(await work)
            if request.method == "GET" and (found := _LOOK.fullmatch(request.path)):
                body = _metadata if found["metadata"] else _status
                return _json(json.dumps(body(versions, *_which(found))).encode())
            raise invalid(f"Malformed request: {request.method} {request.path}")
        except RequestError as error:
            return _refusal(str(error), HTTP_STATUS.get(error.code, 500))
        except web.HTTPRequestEntityTooLarge:
            return _refusal(too_large, 413)
        except TimeoutError:
            return _refusal(f"the body did not come within {_BODY_SECONDS} s", 408)
        except Exception as error:  # a bug here must not stop the server, nor go unseen
            message = f"{type(error).__name__}: {error}"
            print(message, file=sys.stderr, flush=True)
            return _refusal(message, 500)

    app = web.Application(client_max_size=max_bytes)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _predict(versions: ModelVersions, found: re.Match, body: bytes) -> bytes:
    if found["method"].lower() != "predict":
        raise RequestError("UNIMPLEMENTED", f"{found['method']} is not served here, only predict")
    model = versions.find(*_which(found))
    name, parsed = parse_body(body)
    signature = model.signature(name, "INVALID_ARGUMENT")
    inputs, rows = inputs_of(parsed, signature)
    del parsed
    return encode_outputs(model.run(signature, inputs, []), rows)


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


def _refusal(sentence: str, status: int) -> web.Response:
    return _json(json.dumps({"error": sentence}).encode(), status)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
