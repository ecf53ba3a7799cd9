"""A file system that is soon full."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def small_disk(folder, kib):
    """Context: `folder`, made if need be, is a tmpfs of that size; without the right, a skip."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a small file system: {getattr(error, 'stderr', error)}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
