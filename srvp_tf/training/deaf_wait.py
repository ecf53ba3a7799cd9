"""An end to waits in C++ that let neither signals nor other threads through."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

_WATCH = """
import os, select, signal, sys
process, seconds, line = sys.argv[1:]
# The end of the pipe is that of the watched process, or of its wait.
if not select.select([sys.stdin], [], [], float(seconds))[0]:
    print(line, file=sys.stderr, flush=True)
    os.kill(int(process), signal.SIGKILL)
"""


@contextlib.contextmanager
def at_most(seconds: float, line: str) -> Iterator[None]:
    """Context that may take so long; then another process prints `line` and kills this one.

    For bodies that hold Python's lock. The status is then that of SIGKILL.
    """
    arguments = [str(os.getpid()), str(seconds), line]
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, *arguments], stdin=subprocess.PIPE
    )
    try:
        yield
    finally:
        watcher.stdin.close()
        watcher.wait()
