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

VIDEOS = np.full((2, 3, 32, 32, 1), 0.5, np.float32)
SEEDS = np.array([0, 1])


@pytest.fixture(params=served.TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def client(dcgan_server, transport):
    with served.client(dcgan_server, transport) as client:
        yield client


def local(port, transport):
    """The address of a port of this machine."""
    return f"127.0.0.1:{port}" if transport == "grpc" else f"http://127.0.0.1:{port}"


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def refused(address, timeout=5):
    """(Code, sentence) of the error when a client asks there for metadata."""
    with Client(address, timeout=timeout) as client, pytest.raises(ServerError) as error:
        client.metadata()
    return error.value.code, one_line(error)


def test_server_down(transport):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, sentence = refused(local(port, transport), timeout=0.5)
    assert code == "UNAVAILABLE"
    assert "server answers there; start it" in sentence


@pytest.mark.parametrize(("flag", "transport"), [("grpc_port", "grpc"), ("rest_port", "rest rows")])
def test_a_server_that_starts_meanwhile_is_waited_for(dcgan, flag, transport):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = []

    def ask():
        with Client(local(port, transport), timeout=120) as client:
            found.append(client.metadata().version)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    assert not found
    with served.serving(dcgan.served.parent, **{flag: port}):
        asking.join()
    assert found == [1]


def test_the_port_of_the_other_interface(dcgan_server):
    grpc_port, rest = dcgan_server.grpc_address, dcgan_server.rest_url
    assert refused(f"http://{grpc_port}")[1].endswith("no REST port; for gRPC leave out http://")
    sentence = refused(rest.removeprefix("http://"))[1]
    assert sentence.endswith("no gRPC port; for REST put http:// before it")


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
        code, sentence = refused(local(port, transport), timeout=0.3)
    assert code == "DEADLINE_EXCEEDED"
    assert "no answer within 0.3 s" in sentence


@pytest.fixture(scope="module")
def narrow_server(dcgan):
    with served.serving(dcgan.served.parent, max_message_bytes=100_000) as server:
        yield server


def test_message_too_large(narrow_server, transport):
    with served.client(narrow_server, transport) as client:
        client.forecast(VIDEOS[:1])
        with pytest.raises(ServerError) as error:
            client.forecast(np.repeat(VIDEOS, 8, axis=0))
    assert "larger than max" in one_line(error) and "send fewer" in one_line(error)
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
def test_wrong_version_label_or_model(dcgan_server, transport, which, code, sentence):
    with served.client(dcgan_server, transport, **which) as client:
        with pytest.raises(ServerError) as error:
            client.forecast(VIDEOS)
    assert sentence in one_line(error)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("signature", "changes", "sentence"),
    [
        ("nonsense", {}, "no signature 'nonsense'; it has encode, observe, predict_image_bytes"),
        ("encode", {"seed": None}, "signature 'encode' also needs seed"),
        ("encode", {"z": [0]}, "no input z; it takes frames, seed"),
        ("encode", {"frames": VIDEOS[:, :2]}, "[2, 2, 32, 32, 1]; the model takes float32 [B, 3"),
        ("encode", {"frames": [["x"]]}, "frames has shape [1, 1]"),
        ("encode", {"frames": VIDEOS[:0]}, "frames is empty, of shape [0, 3, 32, 32, 1]"),
        ("encode", {"seed": [0.5, 0]}, "seed is float64; the model takes int64 [B]"),
        ("encode", {"seed": np.array([2**63, 0], np.uint64)}, "that int64 does not hold"),
        (
            "predict_image_bytes",
            {"frames": None, "image_bytes": [["a", b"b", b"c"]] * 2},
            "image_bytes holds str; give bytes",
        ),
    ],
)
def test_inputs_are_checked_before_they_are_sent(dcgan_server, signature, changes, sentence):
    inputs = {"frames": VIDEOS, "seed": SEEDS} | changes
    inputs = {name: value for name, value in inputs.items() if value is not None}
    with served.client(dcgan_server) as client, pytest.raises(UserError) as error:
        client.predict(inputs, signature)
    assert sentence in one_line(error)


def test_invalid_examples_are_told_what_they_need(client):
    images = np.full((2, 3), b"no image", object)
    with pytest.raises(InvalidExampleError, match="whole PNG or JPEG images") as error:
        client.predict({"image_bytes": images, "seed": SEEDS}, "predict_image_bytes")
    assert error.value.examples == [0, 1]
    inputs = {"frames": np.zeros((1, 5, 32, 32, 1)), "seed": [0], "num_frames": [9]}
    with pytest.raises(InvalidExampleError, match=r"frames in \[0, 1\], num_frames that"):
        client.predict(inputs, "predict_multi_step_variable")


def test_what_is_no_video_or_seed_of_it(client):
    with pytest.raises(UserError, match="3 seeds for 2 videos"):
        client.forecast(VIDEOS, seed=[1, 2, 3])
    with pytest.raises(UserError, match="frames are int64"):
        client.forecast(VIDEOS.astype(int))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"server": "ftp://a:1"}, "give host:port for gRPC"),
        ({"server": "a:1", "version": 1, "label": "x"}, "exclude each other"),
        ({"server": "a:1", "timeout": 0}, "must be above 0"),
    ],
)
def test_arguments_of_a_client(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        Client(**arguments)


@pytest.mark.parametrize(
    ("status", "answer"), [(404, b"<html>"), (200, b'{"metadata": {"signature_def": 3}}')]
)
def test_a_server_that_is_no_model_server(status, answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever).start()
        _, sentence = refused(f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert "is that TensorFlow Serving's REST port?" in sentence
