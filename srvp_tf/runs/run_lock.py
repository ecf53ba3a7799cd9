"""One trainer per run folder: a lock of the operating system, which a killed process lets go."""

import contextlib
import datetime
import json
import os
import socket
import weakref
from pathlib import Path

import filelock

from srvp_tf.errors import UserError

LOCK_FILE = ".trainer.lock"
HOLDER_FILE = ".trainer.json"


class RunLock:
    """The right to train in a run folder. Whoever only reads the folder needs none.

    The lock file stays, empty: deleting it would let two processes lock two files of one name.
    """

    def __init__(self, run_dir: str | os.PathLike):
        self._run_dir = Path(run_dir)
        self._holder = self._run_dir / HOLDER_FILE
        # A `Trainer` may be used by another thread than the one that made it.
        self._lock = filelock.FileLock(self._run_dir / LOCK_FILE, timeout=0, thread_local=False)
        self._finalizer = None

    def acquire(self) -> None:
        """Take the lock if it is not held by us already.

        Raises:
            UserError: names the process that holds it.
            OSError: the folder takes no lock.
        """
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise UserError(
                f"{self._run_dir} is in use by another trainer ({self._described_holder()}): wait "
                "for it, stop it, or choose another --run_dir"
            ) from None
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
        try:
            self._holder.write_text(json.dumps(holder), encoding="utf-8")
        except OSError:
            self._lock.release()
            raise
        # Also when this object is forgotten, or the process ends.
        self._finalizer = weakref.finalize(self, _let_go, self._lock, self._holder)

    def release(self) -> None:
        """Let the lock go, if we hold it."""
        if self._finalizer is not None:
            self._finalizer()

    def _described_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "it has not said who it is"


def _let_go(lock: filelock.BaseFileLock, holder: Path) -> None:
    with contextlib.suppress(OSError):  # a folder that is read-only by now
        holder.unlink(missing_ok=True)
    lock.release()
