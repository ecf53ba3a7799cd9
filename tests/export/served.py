"""Servers of small models on this machine, and their clients."""

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from export.client import Client
from export.local_server import LocalServer, VersionPolicy

TRANSPORTS = {"grpc": {}, "rest columns": {}, "rest rows": {"rows": True}}
LABELS = VersionPolicy(latest=2, labels={"stable": 1, "canary": 2})


def write_version(folder, version, exported):
    """Put a version into a folder as a whole: a server that polls never sees half of it."""
    staging = Path(folder) / f".{version}.tmp"
    shutil.copytree(exported.served, staging)
    staging.rename(Path(folder) / str(version))


def serving(folder, **options):
    """Context: a `LocalServer` on free ports that looks at its folder every tenth of a second."""
    return LocalServer(folder, **({"poll_seconds": 0.1} | options))


def address(server, transport):
    """Where a client finds the server."""
    return server.grpc_address if transport == "grpc" else server.rest_url


def client(server, transport="grpc", **options):
    """A `Client` of the server."""
    return Client(address(server, transport), **TRANSPORTS[transport], **options)


@contextlib.contextmanager
def server_process(model_dir, **options):
    """Context: (process, (gRPC address, REST URL)) of `export.serve_local` on free ports."""
    command = [sys.executable, "-m", "export.serve_local", "--grpc_port=0", "--rest_port=0"]
    command.append(f"--model_dir={model_dir}")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        line = process.stdout.readline()
        assert "not for production" in line, process.communicate()
        yield process, re.search(r"gRPC ([^,; ]+).*REST ([^,; ]+)", line).groups()
    finally:
        process.terminate()
        process.wait(timeout=60)
