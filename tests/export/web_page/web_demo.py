"""Demos for the tests: written by the command, served by a server that can forbid things."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from export import web
from export.web_page import runtime
from tests.export import small_export

PRETRAINED = Path(__file__).parents[3] / "pretrained" / "smmnist"
_kept = []


def stand_in(folder):
    """A folder with the files of an npm package LiteRT.js in name only."""
    for name in runtime._WASM + (runtime._MODULE,):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    told = f'{{"name": "{runtime.PACKAGE}", "version": "{runtime.TRIED_VERSION}"}}'
    (folder / "package.json").write_text(told)
    return folder


def litert_dir():
    """The real package; skips the test where it cannot be had."""
    path, reason = _litert_dir()
    if path is None:
        pytest.skip(reason)
    return path


@functools.cache
def _litert_dir():
    if given := os.environ.get("SRVP_TF_LITERT_DIR"):
        return Path(given), ""
    if not shutil.which("npm"):
        return None, "no npm to fetch LiteRT.js with: name it in SRVP_TF_LITERT_DIR"
    _kept.append(tempfile.TemporaryDirectory())
    folder = _kept[-1].name
    name = f"{runtime.PACKAGE}@{runtime.TRIED_VERSION}"
    try:
        command = ["npm", "pack", name, "--silent"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        (archive,) = Path(folder).glob("*.tgz")
        shutil.unpack_archive(archive, folder)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None, f"{name} cannot be fetched: unpack it and name it in SRVP_TF_LITERT_DIR"
    return Path(folder, "package"), ""


@functools.cache
def demo(kind=None):
    """The folder of a demo: of the pretrained model, or of a kind of `small_export`."""
    run_dir = PRETRAINED if kind is None else small_export.run_dir(kind)
    return write(run_dir, f"--litert_dir={litert_dir()}")


def write(run_dir, *arguments):
    """The folder of a demo of a run."""
    output = small_export.new_folder() / "demo"
    assert small_export.call(web, f"--run_dir={run_dir}", f"--output={output}", *arguments) == 0
    return output


class Server:
    """A server of one folder, at `url`.

    headers: name -> value, sent with every answer.
    missing: ends of paths that are answered with 404.
    """

    def __init__(self, url):
        self.url, self.headers, self.missing = url, {}, ()


@contextlib.contextmanager
def serving(folder):
    """Context: a `Server`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_GET(self):
            if self.path.endswith(tuple(server.missing)):
                self.send_error(404)
            else:
                super().do_GET()

        def end_headers(self):
            for name, value in server.headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server = Server(f"http://127.0.0.1:{listening.server_port}/")
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            listening.shutdown()
