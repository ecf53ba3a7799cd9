"""Reads cases in a process of its own, which may be killed, or die, at any time."""

import contextlib
import functools
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from tests.fuzz.cases import READERS, Case, files, whole
from tests.fuzz.guard import Guard
from tests.fuzz.reader import fault_of, same, store

ROOT = Path(__file__).parents[2]
# A stop for what gets out of hand, so that nothing else on the machine suffers.
_MOST_DATA = 8 << 30
_LONGEST_MESSAGE = 3000


def serve(channel, sandbox: str, seed: int) -> None:
    """Read each case that comes through a channel, until it closes.

    The answers: that the files are made, then (outcome, fault, seconds, peak MiB).
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.chdir(ROOT)
    from srvp_tf.config.tensorflow_start import start_tensorflow

    start_tensorflow(deterministic=True)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(EOFError):
        while True:
            tempfile.tempdir = sandbox  # who is killed does not clear away its files
            channel.send(_read(channel.recv(), seed, Path(sandbox), channel))


def _read(case: Case, seed, sandbox, channel):
    from data_pipelines.errors import DataError
    from srvp_tf.errors import UserError

    reader = READERS[case.reader]
    tree, twin = files(case, seed)
    expected = _expected(case.reader, twin, sandbox) if twin else None
    folder = _folder_of(tree, sandbox)
    here, tempfile.tempdir = os.getcwd(), str(sandbox / "out")
    sys.path.append(str(folder))  # as for a command that is run in a folder with hostile files
    channel.send("made")
    outcome, fault, message = "accepted", None, ""
    with Guard(folder, sandbox / "out") as guard:
        try:
            value = reader.read(folder)
        except (UserError, DataError, OSError) as error:
            outcome, message = "refused", " ".join(str(error).split())
            if type(error) is not OSError and str(folder) not in message:
                fault = f"names no file: {message[:200]}"
            elif len(message) > _LONGEST_MESSAGE:
                fault = f"a message of {len(message)} characters: {message[:200]}"
        except BaseException as error:
            outcome, fault = "failed", f"{type(error).__name__}: {str(error)[:300]}"
    sys.path.remove(str(folder))
    assert os.getcwd() == here
    if guard.trespasses:
        fault = f"trespass: {guard.trespasses[0]}"
    elif outcome == "accepted":
        fault = fault_of(value)
        if twin and not same(value, expected):
            fault = "reads other values than the whole file"
    elif case.kind == "whole" and not fault:
        fault = f"a whole file is refused: {message[:300]}"
    return outcome, fault, guard.seconds, guard.peak_mib


@functools.cache
def _expected(reader, name, sandbox):
    """What the whole files hold."""
    return READERS[reader].read(_folder_of(whole(reader)[name], sandbox))


def _folder_of(tree, sandbox):
    """A folder with these files alone, beside an empty one called "out"."""
    for path in (sandbox / "in", sandbox / "out"):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    store(tree, sandbox / "in")
    return sandbox / "in"
