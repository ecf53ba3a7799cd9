"""Reads cases, one line of JSON per case on standard output; may be killed, or die, at any time.

The tasks, `{"seed": ..., "cases": [...]}`, come on standard input.
"""

import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from tests.fuzz.cases import READERS, Case, files
from tests.fuzz.guard import Guard
from tests.fuzz.reader import fault_of, same, write

# A stop for what gets out of hand, so that nothing else on the machine suffers.
_MOST_DATA = 8 << 30
_LONGEST_MESSAGE = 3000


def main():
    """Read all cases."""
    from srvp_tf.config.tensorflow_start import start_tensorflow

    tasks = json.load(sys.stdin)
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    start_tensorflow(deterministic=True)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="srvp_fuzz_") as sandbox:
        for fields in tasks["cases"]:
            result = run(Case(*fields), tasks["seed"], Path(sandbox), channel)
            print(json.dumps(result), file=channel, flush=True)


def run(case, seed, sandbox, channel):
    """The outcome of a case as a dictionary."""
    from data_pipelines.errors import DataError
    from srvp_tf.errors import UserError

    reader = READERS[case.reader]
    tree, twin = files(case, seed)
    expected = _expected(case.reader, twin, sandbox) if twin else None
    folder, out = sandbox / "in", sandbox / "out"
    for path in (folder, out):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    write(tree, folder)
    value, outcome, fault = None, "accepted", None
    here, tempfile.tempdir = os.getcwd(), str(out)
    print(json.dumps({"begins": case}), file=channel, flush=True)
    guard = Guard(folder, out)
    with guard, _importable(folder):
        try:
            value = reader.read(folder)
        except (UserError, DataError, OSError) as error:
            outcome = "refused"
            message = " ".join(str(error).split())
            if type(error) is not OSError and str(folder) not in message:
                fault = f"names no file: {message[:200]}"
            elif len(message) > _LONGEST_MESSAGE:
                fault = f"a message of {len(message)} characters: {message[:200]}"
        except BaseException as error:
            outcome, fault = "failed", f"{type(error).__name__}: {str(error)[:300]}"
    assert os.getcwd() == here
    tempfile.tempdir = None
    if guard.trespasses:
        fault = f"trespass: {guard.trespasses[0]}"
    elif outcome == "accepted":
        fault = fault_of(value)
        if twin and not same(value, expected):
            fault = "reads other values than the whole file"
    elif case.kind == "whole" and not fault:
        fault = f"a whole file is refused: {message[:300]}"
    found = {"outcome": outcome, "fault": fault}
    return found | {"seconds": guard.seconds, "peak_mib": guard.peak_mib, "case": case}


_known = {}


def _expected(reader, name, sandbox):
    """What the whole files hold."""
    if (reader, name) not in _known:
        folder = sandbox / "in"
        for path in (folder, sandbox / "out"):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        write(READERS[reader].seeds()[name], folder)
        _known[reader, name] = READERS[reader].read(folder)
    return _known[reader, name]


@contextlib.contextmanager
def _importable(folder):
    """As for a command that is run in a folder with hostile files."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


if __name__ == "__main__":
    main()
