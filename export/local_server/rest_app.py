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
from google.protobuf.message import Message

from export.local_server.grpc_service import metadata_response
from export.local_server.json_tensors import encode_outputs, inputs_of, parse_body
from export.local_server.model_versions import ModelVersions
from export.local_server.request_error import RequestError, invalid

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)
_CALL = re.compile(rf"{_MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_LOOK = re.compile(rf"{_MODEL}(?P<metadata>/metadata)?", re.IGNORECASE)
_BODY_SECONDS = 60  # a client that sends its body slower must not hold a place for ever

HTTP_STATUS = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
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

    async def handle(request: web.Request) -> web.Response:
        try:
            if request.method == "POST" and (found := _CALL.fullmatch(request.path)):
                if request.content_length and request.content_length > max_bytes:
                    return _too_large(max_bytes)
                async with free:
                    body = await asyncio.wait_for(request.read(), _BODY_SECONDS)
                    work = asyncio.get_running_loop().run_in_executor(
                        workers, _predict, versions, found, body
                    )
                    del body
                    return _json(await work)
            if request.method == "GET" and (found := _LOOK.fullmatch(request.path)):
                return _json(_look(versions, found))
            raise invalid(f"Malformed request: {request.method} {request.path}")
        except RequestError as error:
            return _json(_error(str(error)), HTTP_STATUS.get(error.code, 500))
        except web.HTTPRequestEntityTooLarge:
            return _too_large(max_bytes)
        except TimeoutError:
            return _json(_error(f"the body did not come within {_BODY_SECONDS} s"), 408)
        except Exception as error:  # a bug here must not stop the server, nor go unseen
            message = f"{type(error).__name__}: {error}"
            print(message, file=sys.stderr, flush=True)
            return _json(_error(message), 500)

    app = web.Application(client_max_size=max_bytes)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _predict(versions: ModelVersions, found: re.Match, body: bytes) -> bytes:
    if found["method"].lower() != "predict":
        raise RequestError("UNIMPLEMENTED", f"{found['method']} is not served here, only predict")
    with versions.lease(*_which(found)) as model:
        name, parsed = parse_body(body)
        signature = model.signature(name, "INVALID_ARGUMENT")
        inputs, rows = inputs_of(parsed, signature)
        del parsed
        outputs = model.run(signature, inputs, [])
    return encode_outputs(outputs, rows)


def _look(versions: ModelVersions, found: re.Match) -> bytes:
    if found["metadata"]:
        with versions.lease(*_which(found)) as model:
            message = metadata_response(versions.name, model)
        # The type in an Any would add an "@type" that TensorFlow Serving does not print.
        body = {
            "model_spec": {
                "name": message.model_spec.name,
                "signature_name": "",
                "version": str(message.model_spec.version.value),
            },
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        name: _as_dict(definition) for name, definition in model.signatures.items()
                    }
                }
            },
        }
    else:
        body = {"model_version_status": _status(versions, *_which(found))}
    return json.dumps(body).encode()


def _status(versions: ModelVersions, name: str, version: int | None, label: str | None) -> list:
    if version is not None or label:
        with versions.lease(name, version, label) as model:
            return [_version_status(model.version, "AVAILABLE")]
    if name != versions.name:
        raise RequestError("NOT_FOUND", f"Could not find any versions of model {name}")
    ready = [_version_status(number, "AVAILABLE") for number in versions.ready()]
    failed = [_version_status(n, "END", why) for n, why in sorted(versions.failures().items())]
    return sorted(ready + failed, key=lambda row: -int(row["version"]))


def _version_status(version: int, state: str, reason: str = "") -> dict:
    status = {"error_code": "UNKNOWN" if reason else "OK", "error_message": reason}
    return {"version": str(version), "state": state, "status": status}


def _as_dict(message: Message) -> dict:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _which(found: re.Match) -> tuple[str, int | None, str | None]:
    return found["name"], int(found["version"]) if found["version"] else None, found["label"]


def _too_large(max_bytes: int) -> web.Response:
    sentence = f"the body is larger than max ({max_bytes} bytes); send fewer examples at once"
    return _json(_error(sentence), 413)


def _error(sentence: str) -> bytes:
    return json.dumps({"error": sentence}).encode()


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
