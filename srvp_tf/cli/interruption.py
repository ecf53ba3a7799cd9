"""Ctrl-C and SIGTERM as an exception that reaches the command, wherever it is raised.

Python runs a signal's handler between any two instructions of the main thread. What it raises in a
`__del__` or in a callback of the garbage collector is printed as "Exception ignored" and lost; what
it raises below C++ may be dropped there, or printed, and come back as another error; and C++ that
was left half way may abort when the process unloads it. All of this is seen to here.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from typing import NoReturn

from srvp_tf.runs.atomic_files import remove_unfinished
from srvp_tf.training.stop_request import SAME_REQUEST_SECONDS

_CHECK_SECONDS = 0.1
_LONGEST_TRANSLATION = 5.0  # seconds for which any exception may be ours in other words


class Terminated(BaseException):
    """SIGTERM, as an exception: whatever is half done is cleared away."""


class Interruption:
    """Raises `KeyboardInterrupt` at SIGINT and `Terminated` at SIGTERM, again if that was lost.

    `signal_number` is the first one that came, or None. From then until `settle` nothing is written
    to file descriptor 2. Outside the main thread, where no handler can be set, nothing changes.

    Args:
      ends_process: whether the process has nothing to do afterwards. If so, one that was signalled
        ends without the destructors of C++, and on the way out a signal ends it at once.
      at_once: if the process has nothing to clear away but temporary files either: nothing is
        raised, as TensorFlow's C++ may crash on it; this is printed, and the process ends.

    `status`: set it for a process that is to end with it, and without destructors, in any case.
    """

    def __init__(self, ends_process: bool, at_once: dict[int, str] | None = None):
        self._ends_process, self._previous = ends_process, {}
        self._at_once = at_once if ends_process else None
        self.signal_number = self.status = None
        self._stderr = self._dropped = None
        self._came_at = self._raised_at = 0.0
        self._is_settled = self._has_arrived = self._is_check = False
        self._report_unraisable = sys.unraisablehook

    def watch(self) -> None:
        """Take the signals from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        with contextlib.suppress(OSError):  # closed
            self._stderr = os.dup(2)
        if self._ends_process:
            # What is registered first is called last, after all that others clear away.
            atexit.register(self._leave)
        sys.unraisablehook = self._take_unraisable
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._come)

    def settle(self) -> int | None:
        """What was raised has arrived: raise no more, be heard again; returns `signal_number`."""
        self._is_settled, self._has_arrived = True, self.signal_number is not None
        self._unhush()
        return self.signal_number

    def release(self) -> None:
        """Take no more signals."""
        self._is_settled = True
        for number, handler in self._previous.items():
            handler = signal.SIG_DFL if handler is None else handler  # it was C's
            signal.signal(number, _exit if self._ends_process else handler)
        if self._previous:
            sys.unraisablehook = self._report_unraisable
        self._previous = {}
        self._unhush()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None

    def _come(self, number, frame) -> None:
        is_check, self._is_check = self._is_check, False
        if self._is_settled:
            return
        if self._at_once is not None:
            self._end(number)
        now = time.monotonic()
        if self.signal_number is None:
            self.signal_number, self._came_at = number, now
            self._hush()
            self._check_later()
        elif is_check:
            self._check_later()
            if _is_under_way(sys.exception(), now - self._raised_at):
                return
        elif now - self._came_at < SAME_REQUEST_SECONDS:
            return  # what the first one raised may be clearing away
        self._raised_at = now
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    def _end(self, number) -> NoReturn:
        remove_unfinished()
        _flush(sys.stdout)
        if self._stderr is not None:
            with contextlib.suppress(OSError):
                os.write(self._stderr, f"{self._at_once[number]}\n".encode())
        os._exit(128 + number)

    def _check_later(self) -> None:
        timer = threading.Timer(_CHECK_SECONDS, self._check)
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread can be started: it will have to do
            timer.start()

    def _check(self) -> None:
        """The handler looks whether the main thread still raises what it raised."""
        if self._is_settled:
            return
        number = self.signal_number
        if signal.getsignal(number) == self._come:
            self._is_check = True
        else:  # what was lost is for another to take now
            self.signal_number = None
            self._unhush()
        with contextlib.suppress(OSError):  # the main thread has ended
            signal.pthread_kill(threading.main_thread().ident, number)

    def _take_unraisable(self, unraisable) -> None:
        if self.signal_number is None or self._is_settled:
            self._report_unraisable(unraisable)

    def _hush(self) -> None:
        if self._stderr is not None:
            _flush(sys.stderr)
            with contextlib.suppress(OSError):  # no descriptor is left
                self._dropped = os.memfd_create("stderr")
                os.dup2(self._dropped, 2)

    def _unhush(self) -> None:
        if self._dropped is None:
            return
        _flush(sys.stderr)
        os.dup2(self._stderr, 2)
        said = os.pread(self._dropped, 1 << 20, 0)
        os.close(self._dropped)
        self._dropped = None
        if b"\r" in said:  # a progress bar has ended its line
            print(file=sys.stderr)

    def _leave(self) -> None:
        status = 128 + self.signal_number if self._has_arrived else self.status
        if status is not None:
            _flush(sys.stdout)
            _flush(sys.stderr)
            os._exit(status)


def _is_under_way(error, seconds: float) -> bool:
    """Whether an exception that is being handled is ours, raised so many seconds ago."""
    if error is not None and seconds < _LONGEST_TRANSLATION:
        return True
    while error is not None:
        if isinstance(error, (Terminated, KeyboardInterrupt)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _flush(stream) -> None:
    with contextlib.suppress(AttributeError, OSError, RuntimeError, ValueError):
        stream.flush()  # it may be None, closed, or in the middle of being written to


def _exit(number, frame) -> NoReturn:
    os._exit(128 + number)
