"""The versions of one model: found in its folder, loaded, kept until newer ones can answer."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.local_server.loaded_model import LoadedModel
from export.local_server.request_error import RequestError, invalid
from export.local_server.version_policy import VersionPolicy


class ModelVersions:
    """The versions under `base_path`, numbered folders, as a `VersionPolicy` wants them.

    `refresh` looks at the folder again; `poll` does so in a thread. A version is loaded while the
    others go on answering, and a version that is no longer wanted goes only when one that is has
    been loaded.
    """

    def __init__(self, name: str, base_path: Path, policy: VersionPolicy):
        self.name, self.base_path, self.policy = name, base_path, policy
        self._loaded: dict[int, LoadedModel] = {}
        self._failed: dict[int, tuple[int, str]] = {}  # version -> (time of its folder, reason)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Load and retire what the folder and the policy say now."""
        found = self._found()
        self._failed = {n: failure for n, failure in self._failed.items() if n in found}
        wanted = self.policy.choose(list(found))
        for version in wanted:
            if version not in self._loaded:
                self._load(version, found[version])
        with self._lock:
            ready = [version for version in wanted if version in self._loaded]
            gone = [version for version in self._loaded if version not in wanted]
            retired = [self._loaded.pop(version) for version in gone] if ready else []
        for model in retired:
            model.retire()
            _log(f"{self.name}: version {model.version} is served no longer")

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
        """Stop polling and retire every version."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            models, self._loaded = list(self._loaded.values()), {}
        for model in models:
            model.retire()

    @contextmanager
    def lease(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Iterator[LoadedModel]:
        """The version that a request means, kept open; raises `RequestError` if there is none."""
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
        with self._lock:
            ready = sorted(self._loaded)
            model = self._loaded.get(max(ready, default=0) if version is None else version)
            if model is None:
                which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise RequestError(
                    "NOT_FOUND",
                    f"Servable not found for request: {which}; ready are versions {ready}",
                )
            model.acquire()
        try:
            yield model
        finally:
            model.release()

    def ready(self) -> list[int]:
        """The versions that can answer, in order."""
        with self._lock:
            return sorted(self._loaded)

    def failures(self) -> dict[int, str]:
        """Version -> why it could not be loaded."""
        return {version: reason for version, (_, reason) in list(self._failed.items())}

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
            self._failed[version] = failure
            return
        self._failed.pop(version, None)
        with self._lock:
            self._loaded[version] = model
        _log(f"{self.name}: version {version} is served")


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
