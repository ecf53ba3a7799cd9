"""Servers of small models on this machine, and their clients."""

import shutil
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
