"""What several commands check before they start to work."""

import os
from pathlib import Path

from srvp_tf.errors import UserError


def check_output_file(output: Path) -> None:
    """Raise `UserError` if --output is no place for a file: found out before the work."""
    if output.is_dir():
        raise UserError(f"--output={output} is a folder: name a file in it")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"--output={output} cannot be written: {parent} takes no files")


def check_video_file(output: Path) -> None:
    """Raise `UserError` unless --output is a place for a video, in a format that can be written."""
    from srvp_tf.video.files import SUFFIXES

    if output.suffix.lower() not in SUFFIXES:
        raise UserError(f"--output={output}: unknown format; use one of {', '.join(SUFFIXES)}")
    check_output_file(output)


def check_output_folder(path: Path) -> None:
    """Raise `UserError` if --output_dir is a file."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file: choose another --output_dir")
