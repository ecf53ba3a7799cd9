"""The client library: a model behind TensorFlow Serving, called like a function."""

import os
import time
from collections.abc import Iterable, Mapping

import numpy as np

from export.client.errors import InvalidExampleError, NotListeningError, ServerError
from export.client.served_signatures import (
    DEFAULT_SIGNATURE,
    ModelMetadata,
    ServedModel,
    checked_inputs,
)
from export.client.stream import Stream, as_actions, one_per_video, unit_range
from export.extras import require
from srvp_tf.errors import UserError

_START_SECONDS = 30.0  # that a server may take until it listens
_RETRY_SECONDS = 0.2


class Client:
    """A served model.

        with Client("localhost:8500") as client:
            futures = client.forecast(frames, seed=7)          # [horizon, H, W, C]

    Args:
        server: "host:port" for gRPC (imports TensorFlow), "http://host:port" for REST (does not).
        model: its name on the server.
        version: a version of it; None: the newest one, or that of `label`.
        label: what a version is called in the server's configuration, such as "stable".
        timeout: seconds that a call may take.
        rows: over REST, send one object per example instead of one array per input.

    Raises:
        UserError: both a version and a label are given, or no time.
    """

    def __init__(
        self,
        server: str,
        model: str = "srvp",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        rows: bool = False,
    ):
        if version is not None and label is not None:
            raise UserError(f"--version={version} and --label={label} exclude each other")
        if not timeout > 0:
            raise UserError(f"--timeout={timeout:g} must be above 0 seconds")
        self._model = ServedModel(model, version, label)
        self._timeout = timeout
        self._transport = _transport(server, timeout, rows)
        self._metadata: ModelMetadata | None = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def metadata(self) -> ModelMetadata:
        """What the model takes and gives; asked anew at every call.

        A server that starts meanwhile is waited for, up to 30 s and the timeout. Raises
        `ServerError`.
        """
        deadline = time.monotonic() + min(self._timeout, _START_SECONDS)
        while True:
            try:
                self._metadata = self._transport.metadata(self._model)
                return self._metadata
            except NotListeningError:
                if time.monotonic() + _RETRY_SECONDS > deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def predict(
        self, inputs: Mapping[str, object], signature: str = DEFAULT_SIGNATURE
    ) -> dict[str, np.ndarray]:
        """Call a signature.

        Args:
            inputs: name -> array with a leading batch dimension, as the signature says; bytes for
                names that end in `_bytes`.
            signature: its name.

        Returns:
            Name -> array of every output.

        Raises:
            UserError: the model has no such signature, or an input does not fit it.
            ServerError: the server is down, refused the request, or took too long.
            InvalidExampleError: the output `valid` flags an example.
        """
        metadata = self._metadata or self.metadata()
        try:
            known, arrays = checked_inputs(metadata, signature, inputs)
        except UserError:  # another version may answer now, which takes other inputs
            known, arrays = checked_inputs(self.metadata(), signature, inputs)
        try:
            outputs = self._transport.predict(self._model, signature, known, arrays)
        except ServerError:
            self._metadata = None  # another version may answer now, with other signatures
            raise
        return _all_valid(outputs, inputs)

    def forecast(
        self,
        frames: np.ndarray,
        seed: int | np.ndarray = 0,
        signature: str = DEFAULT_SIGNATURE,
        actions: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draw futures of videos.

        Args:
            frames: [T, H, W, C] or [B, T, H, W, C], uint8 or float in [0, 1]; T as exported.
            seed: one for all videos, or [B].
            signature: one that takes `frames` and `seed`.
            actions: of a model with actions, those of all intervals [T - 1 + horizon, A]; for
                `predict_samples` S plans [S, T - 1 + horizon, A]; with B before if `frames` has it.

        Returns:
            float32 [B, horizon, H, W, C], or [B, S, ...] of `predict_samples`; without B if
            `frames` has none.

        Raises as `predict`.
        """
        frames = unit_range(frames)
        single = frames.ndim == 4
        frames = frames[None] if single else frames
        inputs = {"frames": frames, "seed": one_per_video(seed, len(frames))}
        if actions is not None:
            actions = as_actions(actions)
            inputs["actions"] = actions[None] if single else actions
        outputs = self.predict(inputs, signature)
        predicted = [value for name, value in outputs.items() if name != "valid"]
        if len(predicted) != 1:
            raise UserError(
                f"signature {signature!r} gives {', '.join(sorted(outputs))}, no single prediction"
            )
        return predicted[0][0] if single else predicted[0]

    def stream(
        self,
        frames: np.ndarray,
        seed: int | np.ndarray = 0,
        actions: np.ndarray | None = None,
    ) -> Stream:
        """Encode frames [T, H, W, C] or [B, T, H, W, C] once; then go on frame by frame.

        A model with actions takes those between the frames, [T - 1, A] or [B, T - 1, A].
        The stream stays with the version that encoded, however many newer ones the server loads.
        Raises as `predict`.
        """
        metadata = self.metadata()
        pinned = ServedModel(self._model.name, metadata.version)

        def call(name: str, inputs: dict) -> dict[str, np.ndarray]:
            outputs = self._transport.predict(pinned, name, *checked_inputs(metadata, name, inputs))
            return _all_valid(outputs, inputs)

        return Stream(call, metadata, unit_range(frames), seed, actions)


def _all_valid(outputs: dict[str, np.ndarray], inputs: Iterable[str]) -> dict[str, np.ndarray]:
    valid = outputs.get("valid")
    if valid is not None and not valid.all():
        raise InvalidExampleError(np.flatnonzero(~valid).tolist(), outputs, inputs)
    return outputs


def _transport(server: str, timeout: float, rows: bool):
    if server.startswith(("http://", "https://")):
        require("REST", "orjson")
        from export.client.rest_transport import RestTransport

        return RestTransport(server, timeout, rows)
    if "://" in server or ":" not in server:
        raise UserError(f"--server={server}: give host:port for gRPC, http://host:port for REST")
    require("gRPC", "grpc", "tensorflow_serving")
    # What TensorFlow logs while it is imported is no news to a client.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from export.client.grpc_transport import GrpcTransport

    return GrpcTransport(server, timeout)
