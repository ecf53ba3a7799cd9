"""The package as it is installed."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.project.test_imports import ROOT

_SOURCES = ("srvp_tf", "data_pipelines", "export", "configs", "pretrained")


@pytest.fixture(scope="session")
def installed_python(tmp_path_factory):
    """The interpreter of a new virtual environment, into which the wheel is installed.

    It finds the libraries (and only those) where these tests have them.
    """
    folder = tmp_path_factory.mktemp("wheel")
    for name in _SOURCES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / "source")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run([*pip, *build, folder / "source"], check=True)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    libraries = sysconfig.get_path("purelib")
    Path(site, "libraries.pth").write_text(libraries + "\n")
    return python
