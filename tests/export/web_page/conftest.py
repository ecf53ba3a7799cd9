"""LiteRT.js, and the page of the pretrained model with it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from export.web_page import runtime
from tests.export.web_page import web_demo


@pytest.fixture(scope="session")
def litert_dir(tmp_path_factory):
    """The real package; skips the test where it cannot be had."""
    if given := os.environ.get("SRVP_TF_LITERT_DIR"):
        return Path(given)
    if not shutil.which("npm"):
        pytest.skip("no npm to fetch LiteRT.js with: name it in SRVP_TF_LITERT_DIR")
    folder = tmp_path_factory.mktemp("litert")
    name = f"{runtime.PACKAGE}@{runtime.TRIED_VERSION}"
    try:
        command = ["npm", "pack", name, "--silent"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        (archive,) = folder.glob("*.tgz")
        shutil.unpack_archive(archive, folder)
    except (OSError, subprocess.SubprocessError, ValueError):
        pytest.skip(f"{name} cannot be fetched: unpack it and name it in SRVP_TF_LITERT_DIR")
    return folder / "package"


@pytest.fixture(scope="session")
def demo(litert_dir, tmp_path_factory):
    """The folder of the pretrained model's page."""
    output = tmp_path_factory.mktemp("pretrained") / "demo"
    return web_demo.write(web_demo.PRETRAINED, output, f"--litert_dir={litert_dir}")
