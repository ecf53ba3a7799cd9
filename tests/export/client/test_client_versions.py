"""Clients and several versions: labels, a newer one that appears, and streams that keep theirs."""

import time
from contextlib import ExitStack

import numpy as np
import pytest

from export.client import ServerError
from tests.export import served
from tests.export.small_export import SmallExport, floats

TRANSPORTS = ["grpc", "rest columns"]


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def close(actual, expected):
    return np.allclose(actual, expected, rtol=0, atol=1e-5)


def test_a_client_that_knew_other_shapes_asks_anew(dcgan, vgg, tmp_path):
    served.write_version(tmp_path, 1, dcgan)
    with served.serving(tmp_path) as server, served.client(server) as client:
        client.forecast(dcgan.given(1))
        served.write_version(tmp_path, 2, vgg)  # of colour
        wait_for(lambda: server.versions.ready() == [2])
        expected = vgg.forecast(floats(vgg.given(1)), 0)[:, 0]
        assert close(client.forecast(vgg.given(1)), expected)


@pytest.fixture
def finer(tmp_path):
    """Other weights, and steps of two frames."""
    folder = tmp_path / "finer"
    folder.mkdir()
    return SmallExport("dcgan", folder, seed=1, euler_steps=2, frames_per_step=2)


def test_versions_labels_and_streams_as_versions_come_and_go(dcgan, finer, tmp_path):
    folder = tmp_path / "versions"
    folder.mkdir()
    served.write_version(folder, 1, dcgan)
    video = dcgan.given(1)[0]
    old, new = (x.forecast(floats(video[None]), 0)[0, 0] for x in (dcgan, finer))
    assert abs(old - new[1::2]).max() > 0.1
    with ExitStack() as stack:
        server = stack.enter_context(served.serving(folder, policy=served.LABELS))

        def client(transport, **which):
            return stack.enter_context(served.client(server, transport, **which))

        newest = [client(transport) for transport in TRANSPORTS]
        streams = [client.stream(video) for client in newest]
        assert all(close(client.forecast(video), old) for client in newest)
        assert all(close(stream.step(), old[0]) for stream in streams)

        served.write_version(folder, 2, finer)
        wait_for(lambda: server.versions.ready() == [1, 2])
        assert all(close(client.forecast(video), new) for client in newest)
        assert all(close(stream.step(), old[1]) for stream in streams)
        for client_of_2 in newest:  # whose steps are two frames each
            stream = client_of_2.stream(video)
            assert close(np.concatenate([stream.step() for _ in range(3)]), new)
        for transport in TRANSPORTS:
            assert close(client(transport, label="stable").forecast(video), old)
            assert close(client(transport, label="canary").forecast(video), new)
            assert close(client(transport, version=1).forecast(video), old)
            assert close(client(transport, version=2).forecast(video), new)

        served.write_version(folder, 3, dcgan)
        wait_for(lambda: server.versions.ready() == [2, 3])
        for stream in streams:
            with pytest.raises(ServerError, match=r"Specific\(srvp, 1\)") as caught:
                stream.step()
            assert caught.value.code == "NOT_FOUND"
