"""Prepares shards in several processes; none outlives the command that started it."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path

from data_pipelines.command_line import quiet_stderr
from data_pipelines.errors import DataError
from data_pipelines.storage.shard_files import Report, Shard, finished, write_shard


def write_shards(tasks: Mapping[Path, Shard], workers: int) -> Iterator[tuple[Path, Report]]:
    """Write shards, in this process if workers is 1; yield (path, report) as each is done.

    Raises:
        OSError: a shard cannot be written; those that are done stay.
        DataError: a process died; it says of what.
    """
    missing = []
    for path in tasks:
        if (report := finished(path)) is None:
            missing.append(path)
        else:
            yield path, report
    workers = min(workers, len(missing))
    if workers <= 1:
        for path in missing:
            yield path, write_shard(tasks[path], path)
        return
    # Python's tracker of semaphores outlives a process that ends at a signal, and warns of them.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
    before, processes, done = set(multiprocessing.active_children()), set(), False
    # Processes are started anew, not forked: TensorFlow's threads do not survive a fork.
    executor = concurrent.futures.ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    try:
        futures = {executor.submit(write_shard, tasks[path], path): path for path in missing}
        processes = set(multiprocessing.active_children()) - before
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
        done = True
    except BrokenProcessPool:
        executor.shutdown()  # until all have ended
        raise DataError(_cause_of_death([process.exitcode for process in processes])) from None
    finally:
        executor.shutdown(wait=done, cancel_futures=True)
        if not done:
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
                process.join()


def _cause_of_death(statuses: Sequence[int | None]) -> str:
    """Why a pool is broken, by the exit statuses of its processes: -n for signal n."""
    # The pool terminates those that are left.
    guilty = [status for status in statuses if status not in (None, 0, -signal.SIGTERM)]
    if -signal.SIGKILL in guilty:
        what = (
            "was killed, perhaps for want of memory; the same command goes on, with fewer "
            "--workers it needs less."
        )
    elif 1 in guilty:  # the status of a Python program that ends with a traceback
        what = (
            "could not import the program that started it, see above; a script prepares under "
            '`if __name__ == "__main__":`, or with one worker.'
        )
    elif (status := (guilty or [-signal.SIGTERM])[0]) > 0:
        what = f"ended with status {status}; the same command goes on, see above."
    else:
        name = signal.strsignal(-status)
        what = f"died of signal {-status} ({name}); the same command goes on."
    return f"a process that decodes videos {what}"


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its processes itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with quiet_stderr():
        import tensorflow as tf

    # Each process has one core; as many threads again would only get in each other's way.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
