"""The stand-in's versions and its command: what is loaded, kept, refused, and how it starts."""

import re
import signal
import socket
import subprocess
import sys
import weakref

import numpy as np
import pytest
import requests

from export import serve_local
from export.local_server import LocalServer, VersionPolicy
from export.local_server.model_versions import ModelVersions
from srvp_tf.errors import UserError
from tests.export import served
from tests.export.client.test_client_versions import wait_for
from tests.export.served import server_process
from tests.export.small_export import call


@pytest.fixture
def folder(dcgan, tmp_path):
    served.write_version(tmp_path, 1, dcgan)
    return tmp_path


@pytest.fixture
def versions(folder):
    versions = ModelVersions("srvp", folder, VersionPolicy())
    versions.refresh()
    yield versions
    versions.close()


def frames_of(model):
    signature = model.signature("")
    inputs = {"frames": np.full((1, 3, 32, 32, 1), 0.5, np.float32), "seed": np.array([3])}
    return model.run(signature, inputs, ["predicted_frames"])["predicted_frames"]


def test_what_is_broken_is_reported_and_what_is_served_goes_on(versions, folder, capsys):
    (folder / "2").mkdir()
    (folder / "2" / "saved_model.pb").write_bytes(b"torn")
    (folder / "notes").mkdir()
    versions.refresh()
    versions.refresh()
    assert versions.ready() == [1]
    assert versions.failures().keys() == {2}
    assert capsys.readouterr().err.count("version 2 cannot be loaded") == 1  # tried once
    assert versions.find("srvp").version == 1


def test_no_broken_folder_ends_the_watch(versions, folder, dcgan, capsys, monkeypatch):
    (folder / "2").mkdir()
    (folder / "2" / "saved_model.pb").symlink_to(folder / "nowhere")
    versions.poll(0.05)
    wait_for(lambda: versions.failures())
    (folder / "2" / "saved_model.pb").unlink()
    (folder / "2").rmdir()
    wait_for(lambda: not versions.failures())
    with monkeypatch.context() as patched:  # a fault that no real folder brings about at will
        patched.setattr(VersionPolicy, "choose", lambda *_: 1 / 0)
        wait_for(lambda: "cannot be looked at: division by zero" in capsys.readouterr().err)
    served.write_version(folder, 3, dcgan)
    wait_for(lambda: versions.ready() == [3])


def test_a_version_is_closed_only_after_its_last_request(versions, folder, dcgan):
    model = versions.find("srvp")
    before, session = frames_of(model), weakref.ref(model._session)
    served.write_version(folder, 2, dcgan)
    versions.refresh()
    assert versions.ready() == [2]
    np.testing.assert_array_equal(frames_of(model), before)
    del model
    assert session() is None


def test_a_folder_without_versions(tmp_path):
    with pytest.raises(UserError, match=r"holds no version that can be served.*none found"):
        LocalServer(tmp_path).start()


@pytest.mark.parametrize("flag", ["grpc_port", "rest_port"])
def test_a_port_that_is_taken(tmp_path, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--{flag}={port}"):
            LocalServer(tmp_path, **{flag: port}).start()


def test_the_command_serves_until_it_is_terminated(dcgan):
    with server_process(dcgan.served.parent, stderr=subprocess.PIPE) as (server, (_, url)):
        status = requests.get(f"{url}/v1/models/srvp", timeout=60).json()
        assert [row["state"] for row in status["model_version_status"]] == ["AVAILABLE"]
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=10)
    assert server.returncode == 143
    # TensorFlow 2.20 announces what it has loaded.
    lines = [line for line in err.splitlines() if not re.match("WARNING: All log|[IW]0000 ", line)]
    assert lines == [
        "srvp: version 1 is served",
        "python -m export.serve_local: terminated",
    ]


@pytest.mark.parametrize(
    ("package", "arguments", "sentence"),
    [
        ("aiohttp", ["--model_dir=models"], "serving needs aiohttp: pip install '.[serving]'"),
        (None, [], "--model_dir is missing"),
        (None, ["--model_dir=nowhere"], "--model_dir=nowhere holds no version"),
        (None, ["--model_dir=nowhere", "--model_config_file=no.config"], "no.config: No such file"),
    ],
)
def test_mistakes_are_one_line(capsys, monkeypatch, package, arguments, sentence):
    if package:
        monkeypatch.setitem(sys.modules, package, None)
    assert call(serve_local, "--grpc_port=0", "--rest_port=0", *arguments) == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1
