"""The versions of one model: found in its folder, loaded, kept until newer ones can answer."""

import re
import sys
import threading
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from export.local_server.refusals import RequestError, invalid
from export.local_server.version_policy import VersionPolicy

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


class LoadedModel:
    """A SavedModel in a session of its own: signatures are fed and fetched by tensor name.

    Raises whatever TensorFlow's loader does, if the folder holds no SavedModel for serving.
    """

    def __init__(self, path: Path, version: int):
        self.version = version
        # The loader is called deprecated; tf.saved_model.load would hide sessions and tensor names.
        tf.get_logger().setLevel("ERROR")
        # It closes when the last request lets go of this object.
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        self.signatures = dict(meta_graph.signature_def)

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
            code = re.sub(r"(?<!^)(?=[A-Z])", "_", code).upper()
            raise RequestError(code, _sentence(error.message)) from None


class ModelVersions:
    """The versions under `base_path`, numbered folders, as a `VersionPolicy` wants them.

    `refresh` looks at the folder again; `poll` does so in a thread. A version is loaded while the
    others go on answering, and a version that is no longer wanted goes only when one that is has
    been loaded.
    """

    def __init__(self, name: str, base_path: Path, policy: VersionPolicy):
        self.name, self.base_path, self.policy = name, base_path, policy
        self._loaded: dict[int, LoadedModel] = {}  # replaced as a whole: requests read it
        self._failed: dict[int, tuple[int, str]] = {}  # version -> (time of its folder, reason)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Load and retire what the folder and the policy say now."""
        found = self._found()
        self._failed = {n: failure for n, failure in self._failed.items() if n in found}
        wanted = self.policy.choose(list(found))
        for version in wanted:
            if version not in self._loaded:
                self._load(version, found[version])
        gone = self._loaded.keys() - set(wanted)
        if gone != self._loaded.keys():
            self._loaded = {n: model for n, model in self._loaded.items() if n not in gone}
            for version in gone:
                _log(f"{self.name}: version {version} is served no longer")

    def poll(self, seconds: float) -> None:
        """Refresh every so many seconds, until `close`."""

        def watch():
            while not self._stop.wait(seconds):
                try:
                    self.refresh()
                except Exception as error:  # the next look may go well
                    _log(f"{self.name}: {self.base_path} cannot be looked at: {_reason(error)}")

        self._thread = threading.Thread(target=watch, name="model versions", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop polling and let every version go."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._loaded = {}

    def find(self, name: str, version: int | None = None, label: str | None = None) -> LoadedModel:
        """The version that a request means; raises `RequestError` if there is none."""
        if not name:
            raise invalid("Missing model name: model_spec.name is empty")
        if name != self.name:
            raise RequestError(
                "NOT_FOUND", f"Servable not found for request: {name}; served is {self.name}"
            )
        if label:
            if label not in self.policy.labels:
                raise invalid(
                    f"Unrecognized servable version label: {label}; known are "
                    f"{', '.join(self.policy.labels) or 'none'}"
                )
            version = self.policy.labels[label]
        loaded = self._loaded
        model = loaded.get(max(loaded, default=0) if version is None else version)
        if model is None:
            which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError(
                "NOT_FOUND",
                f"Servable not found for request: {which}; ready are versions {sorted(loaded)}",
            )
        return model

    def ready(self) -> list[int]:
        """The versions that can answer, in order."""
        return sorted(self._loaded)

    def failures(self) -> dict[int, str]:
        """Version -> why it could not be loaded."""
        return {version: reason for version, (_, reason) in sorted(self._failed.items())}

    def _found(self) -> dict[int, Path]:
        try:
            folders = [path for path in self.base_path.iterdir() if path.is_dir()]
        except OSError:
            return {}
        return {int(path.name): path for path in folders if path.name.isdecimal()}

    def _load(self, version: int, path: Path) -> None:
        before, changed = self._failed.get(version), 0
        try:
            changed = max(p.lstat().st_mtime_ns for p in [path, *path.rglob("*")])
            if before and before[0] == changed:
                return  # it would fail again
            model = LoadedModel(path, version)
        except Exception as error:  # whatever lies there, what is served already goes on
            failure = changed, _reason(error)
            if failure != before:
                _log(f"{self.name}: version {version} cannot be loaded: {failure[1]}")
            self._failed = self._failed | {version: failure}
            return
        self._failed = {n: failure for n, failure in self._failed.items() if n != version}
        self._loaded = self._loaded | {version: model}
        _log(f"{self.name}: version {version} is served")


def _sentence(message: str) -> str:
    """What failed: the end of a message that begins with every function on the way there."""
    message = message.partition("\n\nOriginal stack trace")[0]
    lines = [line.strip() for line in message.splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("[[")), message)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
