"""C++ libraries print notices that heed no setting."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def load_tensorflow() -> None:
    """Import TensorFlow without its notices; $TF_CPP_MIN_LOG_LEVEL, if set, is left as it is."""
    # Without a GPU TensorFlow's search for one is logged as an error.
    has_gpu = Path("/dev/nvidiactl").exists()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_gpu else "3")
    with quiet_stderr():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Context: what is written to file descriptor 2 is dropped."""
    if sys.stderr is None:  # it was closed at the start: 2 may be anything
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
