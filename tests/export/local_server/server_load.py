"""Load test of the stand-in: `python -m tests.export.local_server.server_load 10000`, by loopback.

Four clients send good and bad requests, mixed at random, to a server in a process of its own. Every
good answer is compared with the Keras model; every bad request must be refused with a sentence that
names what is wrong; the memory of the server is watched.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import requests
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc

from export.client import Client, InvalidExampleError
from tests.export.raw_requests import GOOD, WRONG_INPUTS, columns, grpc_request, rows
from tests.export.raw_requests import with_changes as changed
from tests.export.small_export import SmallExport, floats

NUM_CLIENTS, NUM_SEEDS = 4, 8
BODY_100_MB = bytes(100_000_000)


class Report(NamedTuple):
    """Answers by kind of request, what was wrong with any, and the server's memory in MiB."""

    answers: Counter
    faults: list
    memory: list
    seconds: float


@contextlib.contextmanager
def server_process(model_dir):
    """(process, gRPC address, REST URL) of a stand-in on free ports."""
    command = [sys.executable, "-m", "export.serve_local", "--grpc_port=0", "--rest_port=0"]
    process = subprocess.Popen(
        [*command, f"--model_dir={model_dir}"], stdout=subprocess.PIPE, text=True
    )
    try:
        words = process.stdout.readline().replace(",", " ").replace(";", " ").split()
        yield process, words[words.index("gRPC") + 1], words[words.index("REST") + 1]
    finally:
        process.terminate()
        process.wait(timeout=60)


def memory_mib(process):
    """Resident memory of a process."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class LoadClient:
    """One client: each method `good_*` or `bad_*` is a kind of request; it asserts the answer."""

    def __init__(self, grpc_address, rest_url, videos, expected, seed):
        self.url = f"{rest_url}/v1/models/srvp"
        self.videos, self.expected = videos, expected
        self.rng = np.random.default_rng(seed)
        self.channel = grpc.insecure_channel(
            grpc_address, options=[("grpc.max_send_message_length", -1)]
        )
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.clients = [Client(grpc_address), Client(rest_url), Client(rest_url, rows=True)]

    def kinds(self):
        """Name -> function, in a fixed order."""
        names = [name for name in dir(self) if name.startswith(("good_", "bad_"))]
        kinds = {name: getattr(self, name) for name in names}
        for name in WRONG_INPUTS:
            kinds[f"bad grpc {name}"] = lambda name=name: self._wrong_over_grpc(name)
            kinds[f"bad rest {name}"] = lambda name=name: self._wrong_over_rest(name)
        return kinds

    def _client(self):
        return self.clients[self.rng.integers(len(self.clients))]

    def good_predict(self):
        picked = self.rng.integers(len(self.videos), size=self.rng.integers(1, 5))
        seeds = self.rng.integers(NUM_SEEDS, size=len(picked))
        answer = self._client().forecast(self.videos[picked], seeds)
        assert abs(answer - self.expected[picked, seeds]).max() < 1e-5, "a wrong answer"

    def good_stream(self):
        video, seed = self.rng.integers(len(self.videos)), self.rng.integers(NUM_SEEDS)
        stream = self._client().stream(self.videos[video], seed)
        for index in range(2):
            difference = abs(stream.step() - self.expected[video, seed, index])
            assert difference.max() < 1e-5, "a wrong frame"

    def good_metadata(self):
        assert self._client().metadata().version == 1

    def bad_not_a_number(self):
        videos = self.videos[:3].astype(np.float32) / 255
        videos[1, 0, 0, 0] = np.nan
        try:
            self._client().forecast(videos, 2)
        except InvalidExampleError as error:
            assert "example 1" in str(error), error
            others = error.outputs["predicted_frames"][[0, 2]]
            assert abs(others - self.expected[[0, 2], 2]).max() < 1e-5, "a neighbour changed"
            return
        raise AssertionError("NaN was not flagged")

    def bad_signature_grpc(self):
        self._refused_by_grpc(grpc_request(GOOD, signature_name="draw"), '"draw" not found')

    def bad_signature_rest(self):
        self._refused_by_rest({"signature_name": "draw"} | columns(GOOD), 400, '"draw" not found')

    def bad_model(self):
        self._refused_by_grpc(grpc_request(GOOD, name="svg"), "request: svg")

    def bad_version(self):
        self._refused_by_rest(rows(GOOD), 404, "Specific(srvp, 9)", "/versions/9:predict")

    def bad_label(self):
        self._refused_by_rest(rows(GOOD), 400, "label: beta", "/labels/beta:predict")

    def bad_json(self):
        self._refused_by_rest(b'{"inputs": [', 400, "JSON Parse error")

    def bad_deep_json(self):
        self._refused_by_rest(b"[" * 1_000_000, 400, "JSON Parse error")

    def bad_100_mb_rest(self):
        self._refused_by_rest(BODY_100_MB, 413, "body is larger than max")

    def bad_100_mb_grpc(self):
        request = grpc_request({"frames": np.frombuffer(BODY_100_MB, np.float32)})
        self._refused_by_grpc(request, "message larger than max")

    def _wrong_over_grpc(self, name):
        inputs, sentence = WRONG_INPUTS[name]
        self._refused_by_grpc(grpc_request(changed(inputs)), sentence)

    def _wrong_over_rest(self, name):
        inputs, sentence = WRONG_INPUTS[name]
        # JSON's empty list has no other sizes.
        sentence = "of shape [0" if name == "empty batch" else sentence
        self._refused_by_rest(columns(changed(inputs)), 400, sentence, empty=name == "empty batch")

    def _refused_by_grpc(self, request, sentence):
        try:
            self.stub.Predict(request, timeout=120)
        except grpc.RpcError as error:
            assert sentence in error.details(), error.details()
            return
        raise AssertionError("it was answered")

    def _refused_by_rest(self, body, status, sentence, route=":predict", empty=False):
        data = body if isinstance(body, bytes) else json.dumps(body)
        response = requests.post(self.url + route, data=data, timeout=120)
        said = response.json()["error"]
        assert response.status_code == status, (response.status_code, said)
        assert sentence in said or (empty and "has shape [0]" in said), said


def run(exported, num_requests, rare=50, progress=False):
    """Send so many requests; those of 100 MB are one in `rare` rounds through all kinds."""
    videos = exported.given(4)
    expected = np.stack(
        [exported.forecast(floats(videos), seed)[:, 0] for seed in range(NUM_SEEDS)], axis=1
    )
    answers, faults, memory = Counter(), [], []
    lock, tickets = threading.Lock(), itertools.count()

    def client_thread(client):
        kinds = client.kinds()
        good = [name for name in kinds if name.startswith("good")]
        bad = [name for name in kinds if name.startswith("bad") and "100_mb" not in name]
        large = [name for name in kinds if "100_mb" in name]
        while next(tickets) < num_requests:
            pool = good if client.rng.random() < 0.5 else bad
            pool = large if client.rng.random() < 1 / rare else pool
            name = pool[client.rng.integers(len(pool))]
            try:
                kinds[name]()
                fault = None
            except Exception as error:
                fault = f"{name}: {type(error).__name__}: {error}"
            with lock:
                answers[name] += 1
                faults.extend([fault] if fault else [])

    with server_process(exported.served.parent) as (process, grpc_address, rest_url):
        clients = [
            LoadClient(grpc_address, rest_url, videos, expected, seed)
            for seed in range(NUM_CLIENTS)
        ]
        for kind in clients[0].kinds().values():  # warm up: every kind once
            kind()
        start = time.monotonic()
        threads = [threading.Thread(target=client_thread, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        memory.append(memory_mib(process))
        while any(thread.is_alive() for thread in threads):
            time.sleep(1)
            memory.append(memory_mib(process))
            if progress and len(memory) % 10 == 0:
                print(f"{answers.total()} requests, server {memory[-1]:.0f} MiB", flush=True)
        seconds = time.monotonic() - start
        alive = process.poll() is None
        assert alive, "the server has stopped"
        clients[0].good_predict()
    return Report(answers, faults, memory, seconds)


def main():
    """Run, print, and fail if anything was wrong."""
    tf.get_logger().setLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        exported = SmallExport("dcgan", Path(folder))
        report = run(exported, int(sys.argv[1]) if len(sys.argv) > 1 else 1000, progress=True)
    for name, count in sorted(report.answers.items()):
        print(f"{count:6} {name}")
    good = sum(count for name, count in report.answers.items() if name.startswith("good"))
    print(
        f"{report.answers.total()} requests ({good} good) in {report.seconds:.0f} s, "
        f"{len(report.faults)} not as they should be; the server is alive; its memory in MiB: "
        f"{report.memory[0]:.0f} at first, {max(report.memory):.0f} at most, "
        f"{report.memory[-1]:.0f} at last"
    )
    print(*report.faults[:20], sep="\n")
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
