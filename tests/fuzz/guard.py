"""Watches one case: what a file makes the process do, how long it takes, how much memory."""

import os
import re
import sys
import time
from pathlib import Path

_NEVER = (
    "os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty subprocess.Popen "
    "pickle.find_class socket.connect socket.bind socket.getaddrinfo urllib.Request "
    "ctypes.dlopen"
).split()
_CHANGES = "os.rename os.remove os.mkdir os.rmdir os.link os.symlink os.chmod os.truncate".split()
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """Context around a case: afterwards `trespasses`, `seconds` and `peak_mib` are known.

    A trespass is a process started, a connection opened, an object named by a pickle, code run from
    a file of the case, or anything written outside of `writable`.
    """

    _active = None
    _is_hooked = False

    def __init__(self, folder: Path, writable: Path):
        self._folder, self._writable = folder, writable
        self.trespasses: list[str] = []
        self.seconds = self.peak_mib = 0.0

    def __enter__(self):
        if not Guard._is_hooked:  # a hook stays as long as the process
            sys.addaudithook(Guard._notice)
            Guard._is_hooked = True
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        Guard._active = self
        self._start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._start
        Guard._active = None
        status = Path("/proc/self/status").read_text()
        self.peak_mib = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    @staticmethod
    def _notice(event, arguments):
        guard = Guard._active
        if guard is not None and (reason := guard._trespass(event, arguments)):
            guard.trespasses.append(reason)
            raise PermissionError(1, reason)

    def _trespass(self, event, arguments):
        if event in _NEVER:
            return f"{event} {str(arguments)[:80]}"
        if event == "exec":
            path = getattr(arguments[0], "co_filename", "")
            return f"runs {path}" if _is_within(path, self._folder) else None
        paths = ()
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            if not isinstance(arguments[0], int) and arguments[0] != os.devnull:
                paths = arguments[:1]
        elif event in _CHANGES:
            paths = arguments[: 2 if event == "os.rename" else 1]
        outside = [p for p in map(os.fsdecode, paths) if not _is_within(p, self._writable)]
        return f"{event} {outside[0]}" if outside else None


def _is_within(path, root):
    return f"{os.path.realpath(path)}{os.sep}".startswith(f"{root}{os.sep}")
