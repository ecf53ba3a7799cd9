"""REST to a model server; loads no TensorFlow."""

import base64
import json

import numpy as np
import requests

from export.client.errors import NotListeningError, ServerError
from export.client.served_signatures import (
    ModelMetadata,
    ServedModel,
    SignatureSpec,
    TensorSpec,
    read_metadata,
)
from export.json_arrays import json_of, rows_of
from srvp_tf.errors import UserError

_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_NONE_THERE = "no REST server answers there; start it, or name another: --server"


class RestTransport:
    """Asks `url` ("http://host:port") over REST.

    Args:
        timeout: seconds that a connection, and each wait for bytes of the answer, may take.
        rows: send `instances`, one object per example, instead of `inputs`, one array per name.
    """

    def __init__(self, url: str, timeout: float, rows: bool = False):
        self._url, self._timeout, self._rows = url.rstrip("/"), timeout, rows
        self._session = requests.Session()

    def metadata(self, model: ServedModel) -> ModelMetadata:
        """The metadata of a served model; raises `ServerError`."""
        answer = self._ask("GET", f"{_route(model)}/metadata")
        try:
            return read_metadata(answer)
        except UserError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._foreign(f"metadata that are none: {error!r}") from None

    def predict(
        self, model: ServedModel, name: str, signature: SignatureSpec, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Call a signature; the arrays must be of its dtypes. Raises `ServerError`."""
        given = {"instances": rows_of(inputs)} if self._rows else {"inputs": inputs}
        finite = all(np.isfinite(x).all() for x in inputs.values() if x.dtype.kind == "f")
        body = json_of({"signature_name": name} | given, finite)
        answer = self._ask("POST", f"{_route(model)}:predict", body)
        try:
            outputs = answer.get("outputs")
            if outputs is None:
                rows = answer["predictions"]
                outputs = {key: [row[key] for row in rows] for key in signature.outputs}
            return {key: _decoded(outputs[key], spec) for key, spec in signature.outputs.items()}
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._foreign(f"an answer that does not fit the signature: {error!r}") from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(self, method: str, route: str, body: bytes | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        try:
            response = self._session.request(
                method, self._url + route, data=body, headers=headers, timeout=self._timeout
            )
        except requests.Timeout:
            raise ServerError(
                "DEADLINE_EXCEEDED",
                f"{self._url}: no answer within {self._timeout:g} s; give it more (--timeout), or "
                "send fewer videos",
            ) from None
        except requests.ConnectionError as error:
            raise self._unreachable(error) from None
        except requests.RequestException as error:
            raise ServerError("INVALID_ARGUMENT", f"--server={self._url}: {error}") from None
        try:
            answer = json.loads(response.content)
        except ValueError:
            raise self._foreign(f"HTTP status {response.status_code} without JSON") from None
        if response.ok and isinstance(answer, dict):
            return answer
        code = _CODES.get(response.status_code, "UNKNOWN")
        said = answer.get("error") if isinstance(answer, dict) else None
        raise ServerError(
            code, f"{self._url}: {said or 'no reason given'} (HTTP {response.status_code})"
        )

    def _unreachable(self, error: requests.ConnectionError) -> ServerError:
        reason = str(error)
        if "refused" in reason:
            return NotListeningError(f"{self._url}: {_NONE_THERE}")
        sentence = f"the server broke the connection off, try fewer videos ({reason})"
        if "BadStatusLine" in reason:
            sentence = "that is no REST port; for gRPC leave out http://"
        elif "resolve" in reason:
            sentence = _NONE_THERE
        return ServerError("UNAVAILABLE", f"{self._url}: {sentence}")

    def _foreign(self, what: str) -> ServerError:
        return ServerError(
            "UNKNOWN", f"{self._url} gave {what}: is that TensorFlow Serving's REST port?"
        )


def _route(model: ServedModel) -> str:
    route = f"/v1/models/{requests.utils.quote(model.name, safe='')}"
    if model.version is not None:
        return f"{route}/versions/{model.version}"
    if model.label is not None:
        return f"{route}/labels/{requests.utils.quote(model.label, safe='')}"
    return route


def _decoded(value: object, spec: TensorSpec) -> np.ndarray:
    if spec.dtype == object:
        decode = np.frompyfunc(lambda item: base64.b64decode(item["b64"]), 1, 1)
        return np.asarray(decode(np.asarray(value, object)), object)
    return np.asarray(value, spec.dtype)
