"""REST to a model server; loads no TensorFlow."""

import json

import numpy as np
import requests

from export.client.errors import NotListeningError, ServerError
from export.client.json_arrays import decode_response, encode_request
from export.client.served_signatures import ModelMetadata, ServedModel, SignatureSpec, tensor_spec
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
        url: where the server is.
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
            definitions = answer["metadata"]["signature_def"]["signature_def"]
            version = int(answer["model_spec"]["version"])
            signatures = {
                name: SignatureSpec(_specs(definition["inputs"]), _specs(definition["outputs"]))
                for name, definition in definitions.items()
                if not name.startswith("__")  # TensorFlow's own
            }
        except UserError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._foreign(f"metadata that are none: {error!r}") from None
        return ModelMetadata(model.name, version, signatures)

    def predict(
        self, model: ServedModel, name: str, signature: SignatureSpec, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Call a signature; the arrays must be of its dtypes. Raises `ServerError`."""
        body = encode_request(name, inputs, self._rows)
        answer = self._ask("POST", f"{_route(model)}:predict", body)
        try:
            return decode_response(answer, signature)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise self._foreign(f"an answer that does not fit the signature: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(self, method: str, route: str, body: bytes | None = None) -> dict:
        try:
            response = self._session.request(
                method,
                self._url + route,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
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
        reason = error.args[0] if error.args else error
        if isinstance(getattr(reason, "reason", None), Exception):
            reason = reason.reason
        if "BadStatusLine" in repr(reason):
            sentence = "that is no REST port; for gRPC leave out http://"
        elif "refused" in str(reason):
            return NotListeningError(f"{self._url}: {_NONE_THERE}")
        elif "resolve" in str(reason):
            sentence = _NONE_THERE
        else:
            sentence = f"the server broke the connection off, try fewer videos ({reason})"
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


def _specs(tensors: dict) -> dict:
    return {
        name: tensor_spec(
            info["dtype"], [int(dim["size"]) for dim in info["tensor_shape"].get("dim", [])]
        )
        for name, info in tensors.items()
    }
