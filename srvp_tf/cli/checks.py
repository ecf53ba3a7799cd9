"""What several commands check before they start to work."""

import os
from pathlib import Path

from absl import flags

from srvp_tf.errors import UserError


def check_at_least(flag_values: flags.FlagValues, limits: dict[str, int]) -> None:
    """Raise `UserError` if a flag, by name, has a value below its limit."""
    for name, least in limits.items():
        value = flag_values[name].value
        if value is not None and value < least:
            raise UserError(f"--{name}={value} must be at least {least}")


def check_output_file(output: Path) -> None:
    """Raise `UserError` if --output is no place for a file: found out before the work."""
    if output.is_dir():
        raise UserError(f"--output={output} is a folder: name a file in it")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--output={output} cannot be written: {parent} takes no files")
