"""Ctrl-C and SIGTERM as an exception that reaches the command, wherever it is raised.

Python runs a signal's handler between any two instructions of the main thread. What it raises in a
`__del__` or in a callback of the garbage collector is printed as "Exception ignored" and lost; what
it raises below C++ may be printed there, and come back as another error; and C++ that was left half
way may abort when the process unloads it. All of this is seen to here.
"""

import atexit
import contextlib
import functools
import math
import os
import signal
import sys
import threading
import time
from typing import NoReturn

from srvp_tf.stop_request import SAME_REQUEST_SECONDS

_RETRY_SECONDS = 0.02


class Terminated(BaseException):
    """SIGTERM, as an exception: whatever is half done is cleared away."""


class Interruption:
    """Raises `KeyboardInterrupt` at SIGINT and `Terminated` at SIGTERM, once each is wanted.

    `signal_number` is the first one that came, or None. From then until `settle` nothing is written
    to file descriptor 2. Outside the main thread, where no handler can be set, nothing changes.

    Args:
      ends_process: whether the process has nothing to do afterwards. If so, one that was signalled
        ends without the destructors of C++, and on the way out a signal ends it at once.
    """

    def __init__(self, ends_process: bool):
        self._ends_process, self._previous = ends_process, {}
        self.signal_number = None
        self._stderr = self._dropped = None
        self._came_at = None
        self._is_settled = self._is_due = False
        self._report_unraisable = sys.unraisablehook

    def watch(self) -> None:
        """Take the signals from now on."""
        with contextlib.suppress(ValueError):  # not the main thread
            self._stderr = _copy_of_stderr()
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._come)
            sys.unraisablehook = self._raise_again
            if self._ends_process:
                # What is registered first is called last, after all that others clear away.
                atexit.register(self._leave)

    def settle(self) -> int | None:
        """What was raised has arrived: raise no more, be heard again; returns `signal_number`."""
        self._is_settled = True
        self._unhush()
        return self.signal_number

    def release(self) -> None:
        """Take no more signals."""
        for number, handler in self._previous.items():
            handler = signal.SIG_DFL if handler is None else handler  # it was C's
            signal.signal(number, _exit if self._ends_process else handler)
        self._previous = {}
        sys.unraisablehook = self._report_unraisable
        self._unhush()

    def _hush(self) -> None:
        if self._stderr is not None:
            _flush(sys.stderr)
            self._dropped = os.memfd_create("stderr")
            os.dup2(self._dropped, 2)

    def _unhush(self) -> None:
        if self._dropped is not None:
            _flush(sys.stderr)
            os.dup2(self._stderr, 2)
            if b"\r" in os.pread(self._dropped, 1 << 20, 0):  # a progress bar has ended its line
                print(file=sys.stderr)
            os.close(self._dropped)
            self._dropped = None

    def _leave(self) -> None:
        if self._is_settled and self.signal_number is not None:
            _flush(sys.stdout)
            _flush(sys.stderr)
            os._exit(128 + self.signal_number)

    def _come(self, number, frame) -> None:
        if self._is_settled or self._is_due:
            return
        if self.signal_number is None:
            self.signal_number, self._came_at = number, time.monotonic()
            self._hush()
        elif time.monotonic() - self._came_at < SAME_REQUEST_SECONDS:
            return  # what the first one raised may be clearing away
        self._raise(number)

    def _raise(self, number) -> NoReturn:
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def _raise_again(self, unraisable) -> None:
        if self.signal_number is None or not issubclass(
            unraisable.exc_type, (Terminated, KeyboardInterrupt)
        ):
            self._report_unraisable(unraisable)
            return
        # Not from here: this runs inside what swallows exceptions.
        self._is_due = True
        retry = threading.Timer(_RETRY_SECONDS, self._send_again)
        retry.daemon = True
        retry.start()

    def _send_again(self) -> None:
        self._came_at, self._is_due = -math.inf, False
        with contextlib.suppress(OSError):  # the main thread has ended
            signal.pthread_kill(threading.main_thread().ident, self.signal_number)


@functools.cache
def _copy_of_stderr() -> int | None:
    with contextlib.suppress(OSError):  # closed
        return os.dup(2)


def _flush(stream) -> None:
    with contextlib.suppress(AttributeError, OSError, RuntimeError, ValueError):
        stream.flush()  # it may be None, closed, or in the middle of being written to


def _exit(number, frame) -> NoReturn:
    os._exit(128 + number)
