"""Demos for the tests: written by the command, served by a server that can forbid things."""

import contextlib
import http.server
import threading
from pathlib import Path

from export import web
from tests.export import small_export

PRETRAINED = Path(__file__).parents[3] / "pretrained" / "smmnist"


def write(run_dir, output, *arguments):
    """Let the command write the demo of a run; returns its folder."""
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
