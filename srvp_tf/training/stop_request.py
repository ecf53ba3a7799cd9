"""Ctrl-C and SIGTERM as a request to stop between two training steps."""

import signal
import time

SAME_REQUEST_SECONDS = 1.0
"""Signals so close to the first one are the same request: `timeout` may send it twice."""


class StopRequest:
    """Context in which the first SIGINT or SIGTERM only sets `signal_number`; a later one acts.

    Outside the main thread, where no handler can be set, nothing changes.
    """

    def __init__(self):
        self.signal_number = None
        self._noted_at = None
        self._previous = {}

    def __enter__(self):
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        except ValueError:
            pass
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object):
        if self.signal_number is None:
            self.signal_number, self._noted_at = number, time.monotonic()
        elif time.monotonic() - self._noted_at > SAME_REQUEST_SECONDS:
            self.__exit__()
            signal.raise_signal(number)
