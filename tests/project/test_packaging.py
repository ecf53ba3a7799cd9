"""What setup.py promises is what was tested: see "What it runs on" in BUILD.md."""

import runpy
from pathlib import Path

import setuptools
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
# Of one version, and a tool that no test runs.
_WITHOUT_RANGE = {"torch", "ruff"}


def declared(monkeypatch):
    """The arguments that setup.py gives to `setup`."""
    found = {}
    monkeypatch.setattr(setuptools, "setup", found.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    return found


def test_the_oldest_versions_are_the_lower_bounds(monkeypatch):
    setup = declared(monkeypatch)
    named = [*setup["install_requires"], *setup["extras_require"]["test"]]
    lower = {}
    for requirement in map(Requirement, named):
        if requirement.name not in _WITHOUT_RANGE:
            (bound,) = (s.version for s in requirement.specifier if s.operator == ">=")
            lower[requirement.name] = Version(bound).release
    lines = (ROOT / ".ci" / "oldest.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pinned.keys() == lower.keys()
    for name, bound in lower.items():
        # A bound of 3.6 may be tested as 3.6.1, where 3.6.0 was withdrawn.
        assert Version(pinned[name]).release[: len(bound)] == bound, name
