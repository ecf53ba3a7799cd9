"""Ctrl-C and SIGTERM as a wish that is granted between two training steps."""

import signal


class StopRequest:
    """Context in which the first SIGINT or SIGTERM only sets `signal_number`; the second one acts.

    Outside the main thread, where no handler can be set, nothing changes.
    """

    def __init__(self):
        self.signal_number = None
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

    def _note(self, number, frame):
        self.signal_number = number
        for other, handler in self._previous.items():
            signal.signal(other, handler)
