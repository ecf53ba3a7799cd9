"""Runs a command of `data_pipelines` in this process."""

import contextlib
import io

import pytest

from data_pipelines import command_line


def outcome(module, *arguments):
    """(exit status, standard output, standard error) of a command, given its module."""
    out, err = io.StringIO(), io.StringIO()
    argv = [module.__name__, *map(str, arguments)]
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as stop,
    ):
        command_line.run(module.main, module.define_flags, argv)
    return stop.value.code or 0, out.getvalue(), err.getvalue()
