"""Load test of the stand-in: `python -m tests.export.local_server.server_load 10000`, by loopback.

Four clients send good and bad requests, mixed at random, to a server in a process of its own. Every
good answer is compared with the Keras model; every bad request must be refused with a sentence that
names what is wrong; the memory of the server is watched.
"""

import functools
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import psutil
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc

from export.client import Client, InvalidExampleError
from tests.export.raw_requests import GOOD, WRONG_INPUTS, columns, grpc_request, rows, with_changes
from tests.export.served import server_process
from tests.export.small_export import SmallExport, floats

NUM_CLIENTS, NUM_SEEDS = 4, 8
BODY_100_MB = bytes(100_000_000)


class Report(NamedTuple):
    """Answers by kind of request, what was wrong with any, and the server's memory in MiB."""

    answers: Counter
    faults: list
    memory: list
    seconds: float


class LoadClient:
    """One client.

    good: name -> function, of the kinds of requests whose answers it compares.
    bad: of those that must be refused.
    """

    def __init__(self, grpc_address, rest_url, videos, expected, seed):
        self.url = f"{rest_url}/v1/models/srvp"
        self.videos, self.expected = videos, expected
        self.rng = np.random.default_rng(seed)
        channel = grpc.insecure_channel(
            grpc_address, options=[("grpc.max_send_message_length", -1)]
        )
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.clients = [Client(grpc_address), Client(rest_url), Client(rest_url, rows=True)]
        self.good = {"predict": self.predict, "stream": self.stream, "metadata": self.metadata}
        over_grpc = {
            "signature": (grpc_request(GOOD, signature_name="draw"), '"draw" not found'),
            "model": (grpc_request(GOOD, name="svg"), "request: svg"),
            "100 MB": (
                grpc_request({"frames": np.frombuffer(BODY_100_MB, np.float32)}),
                "message larger than max",
            ),
        }
        over_rest = {
            "signature": ({"signature_name": "draw"} | columns(GOOD), 400, '"draw" not found'),
            "version": (rows(GOOD), 404, "Specific(srvp, 9)", "/versions/9:predict"),
            "label": (rows(GOOD), 400, "label: beta", "/labels/beta:predict"),
            "JSON": (b'{"inputs": [', 400, "JSON Parse error"),
            "deep JSON": (b"[" * 1_000_000, 400, "JSON Parse error"),
            "100 MB": (BODY_100_MB, 413, "body is larger than max"),
        }
        for name, (changes, sentence) in WRONG_INPUTS.items():
            inputs = with_changes(changes)
            over_grpc[name] = grpc_request(inputs), sentence
            over_rest[name] = columns(inputs), 400, sentence
        self.bad = {"not a number": self.not_a_number}
        for name, given in over_grpc.items():
            self.bad[f"{name}, gRPC"] = functools.partial(self.refused_by_grpc, *given)
        for name, given in over_rest.items():
            self.bad[f"{name}, REST"] = functools.partial(self.refused_by_rest, *given)

    def client(self):
        return self.clients[self.rng.integers(len(self.clients))]

    def predict(self):
        picked = self.rng.integers(len(self.videos), size=self.rng.integers(1, 5))
        seeds = self.rng.integers(NUM_SEEDS, size=len(picked))
        answer = self.client().forecast(self.videos[picked], seeds)
        assert abs(answer - self.expected[picked, seeds]).max() < 1e-5, "a wrong answer"

    def stream(self):
        video, seed = self.rng.integers(len(self.videos)), self.rng.integers(NUM_SEEDS)
        stream = self.client().stream(self.videos[video], seed)
        frames = np.stack([stream.step() for _ in range(2)])
        assert abs(frames - self.expected[video, seed, :2]).max() < 1e-5, "a wrong frame"

    def metadata(self):
        assert self.client().metadata().version == 1

    def not_a_number(self):
        videos = floats(self.videos[:3])
        videos[1, 0, 0, 0] = np.nan
        with pytest.raises(InvalidExampleError, match="example 1") as error:
            self.client().forecast(videos, 2)
        others = error.value.outputs["predicted_frames"][[0, 2]]
        assert abs(others - self.expected[[0, 2], 2]).max() < 1e-5, "a neighbour changed"

    def refused_by_grpc(self, request, sentence):
        with pytest.raises(grpc.RpcError) as error:
            self.stub.Predict(request, timeout=120)
        assert sentence in error.value.details(), error.value.details()

    def refused_by_rest(self, body, status, sentence, route=":predict"):
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        response = requests.post(self.url + route, timeout=120, **given)
        said = response.json()["error"]
        assert response.status_code == status, (response.status_code, said)
        assert sentence in said, said

    def ask(self, rare):
        """(Kind of a request at random, what was wrong with the answer, or None)."""
        kinds = self.good
        if self.rng.random() < 0.5:
            is_large = self.rng.random() < 2 / rare
            kinds = {name: x for name, x in self.bad.items() if ("100 MB" in name) == is_large}
        name = list(kinds)[self.rng.integers(len(kinds))]
        try:
            kinds[name]()
        except (Exception, pytest.fail.Exception) as error:
            return name, f"{name}: {type(error).__name__}: {error}"
        return name, None


def run(exported, num_requests, rare=50, progress=False):
    """Send so many requests; one in `rare` has 100 MB."""
    videos = exported.given(4)
    expected = np.stack(
        [exported.forecast(floats(videos), seed)[:, 0] for seed in range(NUM_SEEDS)], axis=1
    )
    memory = []
    with server_process(exported.served.parent) as (process, addresses):
        clients = [LoadClient(*addresses, videos, expected, seed) for seed in range(NUM_CLIENTS)]
        for ask in (
            *clients[0].good.values(),
            *clients[0].bad.values(),
        ):  # warm up: every kind once
            ask()
        start = time.monotonic()
        with ThreadPoolExecutor(NUM_CLIENTS) as pool:
            share = -(-num_requests // NUM_CLIENTS)
            work = [
                pool.submit(lambda client=client: [client.ask(rare) for _ in range(share)])
                for client in clients
            ]
            while not all(future.done() for future in work):
                memory.append(psutil.Process(process.pid).memory_info().rss / 2**20)
                if progress and len(memory) % 10 == 0:
                    print(f"the server has {memory[-1]:.0f} MiB", flush=True)
                time.sleep(1)
        seconds = time.monotonic() - start
        assert process.poll() is None, "the server has stopped"
        clients[0].predict()
    asked = [pair for future in work for pair in future.result()]
    faults = [fault for _, fault in asked if fault]
    return Report(Counter(name for name, _ in asked), faults, memory, seconds)


def main():
    """Run, print, and fail if anything was wrong."""
    tf.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        exported = SmallExport("dcgan", Path(folder))
        report = run(exported, int(sys.argv[1]) if len(sys.argv) > 1 else 1000, progress=True)
    for name, count in sorted(report.answers.items()):
        print(f"{count:6} {name}")
    print(
        f"{report.answers.total()} requests in {report.seconds:.0f} s, "
        f"{len(report.faults)} not as they should be; the server is alive; its memory in MiB: "
        f"{report.memory[0]:.0f} at first, {max(report.memory):.0f} at most, "
        f"{report.memory[-1]:.0f} at last"
    )
    print(*report.faults[:20], sep="\n")
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
