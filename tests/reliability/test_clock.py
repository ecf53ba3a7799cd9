"""A clock that goes backwards while a run is at work."""

import time

import pytest

from tests.runs import small_run
from tests.runs.small_run import assert_same_run, saved


@pytest.mark.parametrize("jump", [-1e9, -3600.0])
def test_a_clock_that_jumps_back_changes_neither_weights_nor_times(
    tmp_path, monkeypatch, capsys, jump, finished
):
    true, calls = time.time, [0]

    def jumping():
        calls[0] += 1
        return true() + (jump if calls[0] > 3 else 0.0)

    monkeypatch.setattr(time, "time", jumping)
    assert small_run.run(small_run.config(), tmp_path) is None
    assert calls[0] > 3
    assert_same_run(tmp_path, finished())
    assert 0 < saved(tmp_path)[1]["elapsed_seconds"] < 600
    captured = capsys.readouterr()
    assert captured.err == ""
    shown = [line for line in captured.out.splitlines() if line.endswith(" left")]
    assert shown and not any("-" in line.rpartition("step/s")[2] for line in shown)
