import subprocess
import sys
import time

from srvp_tf.training.deaf_wait import at_most

# A C function that is called with Python's lock held: no signal handler, no thread runs.
DEAF = """
import ctypes, time
from srvp_tf.training.deaf_wait import at_most
with at_most(1, "one line"):
    ctypes.PyDLL(None).sleep({seconds})
print("done")
"""


def run(seconds):
    command = [sys.executable, "-c", DEAF.format(seconds=seconds)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def test_a_wait_that_is_too_long_ends_with_the_line():
    result = run(40)
    assert result.returncode == -9 and result.stderr == "one line\n" and result.stdout == ""


def test_a_short_one_goes_on():
    result = run(0)
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


def test_an_error_passes_without_delay():
    start = time.monotonic()
    try:
        with at_most(30, "one line"):
            raise KeyError
    except KeyError:
        pass
    assert time.monotonic() - start < 5
