"""One version of a SavedModel in memory, run as TensorFlow Serving runs it."""

import threading
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from export.local_server.request_error import RequestError, invalid

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


class LoadedModel:
    """A SavedModel in a session of its own: signatures are fed and fetched by tensor name.

    Raises whatever TensorFlow's loader does, if the folder holds no SavedModel for serving.
    """

    def __init__(self, path: Path, version: int):
        self.version = version
        # The loader is called deprecated; tf.saved_model.load would hide sessions and tensor names.
        tf.get_logger().setLevel("ERROR")
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        except BaseException:
            self._session.close()
            raise
        self.signatures = dict(meta_graph.signature_def)
        self._running, self._retired, self._lock = 0, False, threading.Lock()

    def signature(self, name: str, code: str = "FAILED_PRECONDITION") -> SignatureDef:
        """The `SignatureDef` of that name, the default one for ""; raises `RequestError`."""
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            known = ", ".join(sorted(key for key in self.signatures if not key.startswith("__")))
            raise RequestError(
                code, f'Serving signature name: "{name}" not found in signature def; it has {known}'
            )
        return self.signatures[name]

    def run(
        self, signature: SignatureDef, inputs: dict[str, np.ndarray], outputs: list[str]
    ) -> dict[str, np.ndarray]:
        """Outputs by name, all if none is named; raises `RequestError` where TensorFlow fails."""
        if unknown := set(outputs) - set(signature.outputs):
            raise invalid(
                f"output tensor alias not found in signature: {', '.join(sorted(unknown))}. "
                f"Outputs expected to be in the set {{{', '.join(sorted(signature.outputs))}}}."
            )
        names = outputs or list(signature.outputs)
        fetches = {name: signature.outputs[name].name for name in names}
        feeds = {signature.inputs[name].name: array for name, array in inputs.items()}
        try:
            return self._session.run(fetches, feeds)
        except tf.errors.OpError as error:
            code = type(error).__name__.removesuffix("Error")
            snake = "".join(f"_{c}" if c.isupper() else c for c in code).strip("_").upper()
            raise RequestError(snake, _sentence(error.message)) from None

    def acquire(self) -> None:
        """Keep the model open until `release`, though a newer one may come."""
        with self._lock:
            self._running += 1

    def release(self) -> None:
        """Undo one `acquire`."""
        with self._lock:
            self._running -= 1
            last = self._retired and not self._running
        if last:
            self._session.close()

    def retire(self) -> None:
        """Close when the last request is answered."""
        with self._lock:
            self._retired, idle = True, not self._running
        if idle:
            self._session.close()


def _sentence(message: str) -> str:
    """What failed: the end of a message that begins with every function on the way there."""
    message = message.partition("\n\nOriginal stack trace")[0]
    lines = [line.strip() for line in message.splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("[[")), message)
