"""What goes wrong is one line that says what to do."""

import http.server
import socket
import sys
import threading
import time

import numpy as np
import pytest

from export.client import Client, InvalidExampleError, ServerError
from srvp_tf.errors import UserError
from tests.export import served

TRANSPORTS = list(served.TRANSPORTS)


@pytest.fixture(scope="module")
def server():
    return served.shared_server("dcgan")


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_server_down(transport):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scheme = "" if transport == "grpc" else "http://"
    client = Client(f"{scheme}127.0.0.1:{port}", timeout=0.5)
    with client, pytest.raises(ServerError) as error:
        client.metadata()
    assert "server answers there; start it" in one_line(error)
    assert error.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("port", ["grpc_port", "rest_port"])
def test_a_server_that_starts_meanwhile_is_waited_for(port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    scheme = "" if port == "grpc_port" else "http://"
    found = []

    def ask():
        with Client(f"{scheme}127.0.0.1:{number}", timeout=120) as client:
            found.append(client.metadata().version)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(1)
    assert not found
    with served.serving(served.model_dir("dcgan"), **{port: number}):
        asking.join()
    assert found == [1]


def test_the_port_of_the_other_interface(server):
    wrong = {
        f"http://{server.grpc_address}": "that is no REST port; for gRPC leave out http://",
        server.rest_url.removeprefix("http://"): "no gRPC port; for REST put http:// before it",
    }
    for address, sentence in wrong.items():
        with Client(address, timeout=5) as client, pytest.raises(ServerError) as error:
            client.metadata()
        assert one_line(error).endswith(sentence)


@pytest.mark.parametrize(
    ("package", "server"),
    [("orjson", "http://a:1"), ("grpc", "a:1"), ("tensorflow_serving", "a:1")],
)
def test_a_missing_package_is_named(monkeypatch, package, server):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"needs .*: pip install '\.\[serving\]'"):
        Client(server)


def test_no_answer_in_time(transport):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        scheme = "" if transport == "grpc" else "http://"
        client = Client(f"{scheme}127.0.0.1:{port}", timeout=0.3)
        with client, pytest.raises(ServerError) as error:
            client.metadata()
    assert "no answer within 0.3 s" in one_line(error)
    assert error.value.code == "DEADLINE_EXCEEDED"


@pytest.fixture(scope="module")
def narrow_server():
    with served.serving(served.model_dir("dcgan"), max_message_bytes=100_000) as server:
        yield server


def test_message_too_large(narrow_server, transport):
    videos = served.videos("dcgan", batch=16)
    with served.client(narrow_server, transport) as client:
        client.forecast(videos[:1])
        with pytest.raises(ServerError) as error:
            client.forecast(videos)
    assert "larger than max" in one_line(error)
    assert "send fewer" in one_line(error)
    assert error.value.code == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    ("which", "code", "sentence"),
    [
        ({"version": 7}, "NOT_FOUND", "Specific(srvp, 7); ready are versions [1]"),
        ({"label": "canary"}, "NOT_FOUND", "Specific(srvp, 2); ready are versions [1]"),
        ({"label": "beta"}, "INVALID_ARGUMENT", "label: beta; known are stable, canary"),
        ({"model": "svg"}, "NOT_FOUND", "not found for request: svg; served is srvp"),
    ],
)
def test_wrong_version_label_or_model(server, transport, which, code, sentence):
    with served.client(server, transport, **which) as client:
        with pytest.raises(ServerError) as error:
            client.forecast(served.videos("dcgan"))
    assert sentence in one_line(error)
    assert error.value.code == code


VIDEOS = np.zeros((1, 3, 32, 32, 1), np.float32)


@pytest.mark.parametrize(
    ("signature", "inputs", "sentence"),
    [
        (
            "nonsense",
            {},
            "has no signature 'nonsense'; it has encode, observe, predict_image_bytes",
        ),
        ("encode", {"frames": VIDEOS}, "signature 'encode' also needs seed"),
        ("encode", {"frames": VIDEOS, "seed": [0], "z": [0]}, "no input z; it takes frames, seed"),
        (
            "encode",
            {"frames": VIDEOS[:, :2], "seed": [0]},
            "frames has shape [1, 2, 32, 32, 1]; the model takes float32 [B, 3, 32, 32, 1]",
        ),
        ("encode", {"frames": VIDEOS, "seed": [0.5]}, "seed is float64; the model takes int64 [B]"),
        (
            "encode",
            {"frames": VIDEOS[:0], "seed": [0]},
            "frames is empty, of shape [0, 3, 32, 32, 1]",
        ),
        (
            "encode",
            {"frames": VIDEOS, "seed": np.array([2**63], np.uint64)},
            "seed has whole numbers that int64 does not hold",
        ),
        (
            "predict_image_bytes",
            {"image_bytes": [["a", b"b", b"c"]], "seed": [0]},
            "image_bytes holds str; give bytes",
        ),
        ("encode", {"frames": [["x"]], "seed": [0]}, "frames has shape [1, 1]"),
    ],
)
def test_inputs_are_checked_before_they_are_sent(server, transport, signature, inputs, sentence):
    with served.client(server, transport) as client, pytest.raises(UserError) as error:
        client.predict(inputs, signature)
    assert sentence in one_line(error)


def test_invalid_examples_are_told_what_they_need(server, transport):
    with served.client(server, transport) as client:
        images = np.full((2, 3), b"no image", object)
        with pytest.raises(InvalidExampleError, match="whole PNG or JPEG images") as error:
            client.predict({"image_bytes": images, "seed": [0, 0]}, "predict_image_bytes")
        assert error.value.examples == [0, 1]
        inputs = {"frames": VIDEOS, "seed": [0], "num_frames": [9]}
        with pytest.raises(InvalidExampleError, match=r"frames in \[0, 1\], num_frames that"):
            client.predict(inputs, "predict_multi_step_variable")


def test_seeds_for_other_videos(server, transport):
    with served.client(server, transport) as client, pytest.raises(UserError) as error:
        client.forecast(served.videos("dcgan", batch=2), seed=[1, 2, 3])
    assert "3 seeds for 2 videos" in one_line(error)


def test_frames_of_integers(server):
    with served.client(server) as client, pytest.raises(UserError, match="frames are int64"):
        client.forecast(np.zeros((4, 32, 32, 1), int))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"server": "localhost"}, "give host:port for gRPC"),
        ({"server": "ftp://a:1"}, "give host:port for gRPC"),
        ({"server": "a:1", "version": 1, "label": "x"}, "exclude each other"),
        ({"server": "a:1", "timeout": 0}, "must be above 0"),
    ],
)
def test_arguments_of_a_client(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        Client(**arguments)


JSON = [None, b'{"a": 1}', b'{"metadata": []}', b'{"metadata": {"signature_def": 3}}']


@pytest.mark.parametrize("answer", JSON)
def test_a_server_that_is_no_model_server(answer):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if answer is None:
                return super().do_GET()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever).start()
        with Client(f"http://127.0.0.1:{other.server_port}") as client:
            with pytest.raises(ServerError) as error:
                client.metadata()
        other.shutdown()
    assert "is that TensorFlow Serving's REST port?" in one_line(error)
