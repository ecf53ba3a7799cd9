"""Both interfaces of the stand-in, started and stopped together."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from aiohttp import web
from tensorflow_serving.apis import prediction_service_pb2_grpc

from export.local_server.grpc_service import PredictionService
from export.local_server.model_versions import ModelVersions
from export.local_server.rest_app import make_app
from export.local_server.version_policy import VersionPolicy
from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError

_WAITING = 64  # requests over gRPC that may wait for a worker


class LocalServer:
    """Serves a model on this machine; a context manager.

        with LocalServer(Path("models/srvp")) as server:
            Client(server.grpc_address)

    Args:
        model_dir: folder of the numbered version folders.
        model_name: what clients call the model.
        policy: which versions are served, and their labels.
        host: address to listen on.
        grpc_port, rest_port: 0: any free one.
        workers: requests that are computed at a time, per interface.
        max_message_bytes: what a request may hold, over gRPC and REST.
        poll_seconds: how often the folder is looked at.

    Attributes:
        grpc_address: "host:port".
        rest_url: "http://host:port".
        versions: the `ModelVersions`.

    Raises:
        UserError: the folder has no version that can be loaded, or a port is taken.
    """

    def __init__(
        self,
        model_dir: Path,
        model_name: str = "srvp",
        policy: VersionPolicy = VersionPolicy(),  # noqa: B008
        host: str = "127.0.0.1",
        grpc_port: int = 0,
        rest_port: int = 0,
        workers: int = 4,
        max_message_bytes: int = 64 << 20,
        poll_seconds: float = 1.0,
    ):
        self.versions = ModelVersions(model_name, local_path(model_dir), policy)
        self._host, self._ports, self._workers = host, (grpc_port, rest_port), workers
        self._max_bytes, self._poll_seconds = max_message_bytes, poll_seconds

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self) -> None:
        """Load, then listen; returns when both interfaces answer."""
        with contextlib.ExitStack() as undo:
            # Ports first: loading takes long.
            listening = undo.enter_context(self._rest_socket())
            self._make_grpc()
            undo.callback(self._grpc.stop, None)
            self._load()
            undo.pop_all()
        self._grpc.start()
        self._start_rest(listening)
        self.versions.poll(self._poll_seconds)

    def stop(self) -> None:
        """Answer what is running, then close everything."""
        self._grpc.stop(grace=5).wait()
        self._in_loop(self._rest.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._rest_pool.shutdown()
        self.versions.close()

    def _load(self) -> None:
        self.versions.refresh()
        if not self.versions.ready():
            reasons = "; ".join(f"{n}: {why}" for n, why in self.versions.failures().items())
            raise UserError(
                f"--model_dir={self.versions.base_path} holds no version that can be served, a "
                f"folder named by a number with a saved_model.pb ({reasons or 'none found'}): "
                "write one with `python -m export.saved_model`"
            )

    def _make_grpc(self) -> None:
        self._grpc = grpc.server(
            ThreadPoolExecutor(self._workers, "grpc"),
            options=[
                ("grpc.max_receive_message_length", self._max_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # else two servers share a port without a word
            ],
            maximum_concurrent_rpcs=self._workers + _WAITING,
        )
        service = PredictionService(self.versions, self._max_bytes)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, self._grpc)
        wanted = self._ports[0]
        try:
            port = self._grpc.add_insecure_port(f"{self._host}:{wanted}")
        except RuntimeError:
            raise UserError(
                f"--grpc_port={wanted} is taken on {self._host}: choose another"
            ) from None
        self.grpc_address = f"{self._host}:{port}"

    def _rest_socket(self) -> socket.socket:
        try:
            return socket.create_server((self._host, self._ports[1]))
        except OSError as error:
            raise UserError(
                f"--rest_port={self._ports[1]} cannot be opened on {self._host} "
                f"({error.strerror}): choose another"
            ) from None

    def _start_rest(self, listening: socket.socket) -> None:
        self.rest_url = f"http://{self._host}:{listening.getsockname()[1]}"
        self._rest_pool = ThreadPoolExecutor(self._workers, "rest")
        app = make_app(self.versions, self._rest_pool, self._workers, self._max_bytes)
        self._rest = web.AppRunner(app, access_log=None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rest", daemon=True)
        self._thread.start()
        self._in_loop(self._rest.setup())
        self._in_loop(web.SockSite(self._rest, listening).start())

    def _in_loop(self, work: Coroutine) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
