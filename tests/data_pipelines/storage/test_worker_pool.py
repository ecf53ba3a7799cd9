"""What is said when the processes of a preparation die."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipelines.errors import DataError
from data_pipelines.storage import worker_pool

ROOT = Path(__file__).parents[3]


class Last:
    """A task that does something to the process that receives it."""

    def __init__(self, function, argument):
        self._call = function, (argument,)

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize(
    ("function", "argument", "words"),
    [
        (signal.raise_signal, signal.SIGKILL, "was killed, perhaps for want of memory"),
        (signal.raise_signal, signal.SIGSEGV, r"died of signal 11 \(Segmentation fault\)"),
        (signal.raise_signal, signal.SIGTERM, "died of signal 15"),
        (os._exit, 3, "ended with status 3"),
    ],
)
def test_a_dead_process_is_said_to_have_died_of_what_it_did(
    tmp_path, monkeypatch, function, argument, words
):
    monkeypatch.setattr(worker_pool, "_start_worker", os.getpid)  # no TensorFlow, for the speed
    tasks = {tmp_path / name: Last(function, argument) for name in "ab"}
    with pytest.raises(DataError, match=words):
        list(worker_pool.write_shards(tasks, workers=2))


def test_a_script_without_a_main_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from data_pipelines.storage.worker_pool import write_shards\n"
        "list(write_shards({Path('a'): (), Path('b'): ()}, workers=2))\n"
    )
    result = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    last = result.stderr.splitlines()[-1]
    assert 'under `if __name__ == "__main__":`' in last and "memory" not in last
