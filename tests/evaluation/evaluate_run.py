"""Runs `python -m srvp_tf.evaluate` for the tests."""

import pytest
from absl import flags

from srvp_tf import evaluate
from srvp_tf.cli import command


def run(*arguments):
    """The exit status of the command, in this process."""
    values = flags.FlagValues()
    evaluate.define_flags(values)
    with pytest.raises(SystemExit) as stop:
        command.run(evaluate.main, ["evaluate", *arguments], values)
    return stop.value.code or 0
