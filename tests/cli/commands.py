"""Runs a command of the package in this process, and Python in a new one."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from absl import flags

from srvp_tf.cli import command

ROOT = Path(__file__).parents[2]


class Outcome(NamedTuple):
    """Exit status, standard output and standard error."""

    status: int
    out: str
    err: str


def outcome(module, *arguments, **options):
    """The `Outcome` of a command, given its module."""
    values = flags.FlagValues()
    module.define_flags(values)
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as stop,
    ):
        command.run(module.main, [module.__name__, *map(str, arguments)], values, **options)
    return Outcome(stop.value.code or 0, out.getvalue(), err.getvalue())


def contents(folder):
    """Path -> bytes, None for a folder, of all that is in a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refusal(module, *arguments, untouched=None):
    """The one line of a command that refuses, and changes nothing in the folder `untouched`."""
    before = contents(untouched) if untouched else {}
    status, out, err = outcome(module, *arguments)
    assert status in (1, 2) and out == ""
    assert err.count("\n") == 1 and err.endswith("\n"), err
    assert (contents(untouched) if untouched else {}) == before
    return err


def run_python(*arguments, program=sys.executable, cwd=ROOT, **environment):
    """What a new process does; variables that are None are not in its environment."""
    given = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [program, *map(str, arguments)],
        cwd=cwd,
        env={name: value for name, value in given.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
    )
