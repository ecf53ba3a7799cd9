"""SIGKILL, again and again: the run ends as one that was never stopped, with nothing beside it."""

import random
import time

import numpy as np
import pytest

from tests.reliability.runs import files, finish, kill, newest_step, start, wait_until
from tests.runs.small_run import assert_same_run, saved

# Checkpoints come so often that most kills hit the writing of something.
OFTEN = ("--lr_burnin=500", "--lr_decay=100", "--checkpoint_interval=1", "--log_interval=7")
KILLS = 25


def kill_and_finish(run_dir, kills, rng, **options):
    """SIGKILL the command `kills` times after its start; the steps that were done by then."""
    steps = []
    for _ in range(kills):
        process = start(run_dir, *OFTEN, **options)
        # A fifth of the kills hits the start, the others one of the steps after it.
        done = newest_step(run_dir)
        if rng.random() > 0.2:
            wait_until(lambda done=done: newest_step(run_dir) > done + rng.randrange(12), process)
            time.sleep(rng.uniform(0, 0.1))
        else:
            time.sleep(rng.uniform(0, 8.0))
        kill(process)
        steps.append(newest_step(run_dir))
    finish(start(run_dir, *OFTEN, **options))
    return steps


@pytest.mark.long
def test_25_kills_change_no_bit_and_leave_nothing(tmp_path):
    finish(start(tmp_path / "whole", *OFTEN))
    steps = kill_and_finish(tmp_path / "killed", KILLS, random.Random(8))
    print("killed at the steps", steps)
    assert steps[-1] > 20
    assert_same_run(tmp_path / "killed", tmp_path / "whole")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


@pytest.mark.long
def test_25_kills_on_two_devices_change_nothing_but_rounding(tmp_path):
    options = {"module": "tests.reliability.two_devices"}
    finish(start(tmp_path / "whole", *OFTEN, **options))
    kill_and_finish(tmp_path / "killed", KILLS, random.Random(9), **options)
    (arrays, metadata), (expected, _) = saved(tmp_path / "killed"), saved(tmp_path / "whole")
    assert metadata["step"] == 600 and arrays.keys() == expected.keys()
    worst = max(np.abs(arrays[n] - x).max() / np.abs(x).max() for n, x in expected.items())
    print("largest difference, in parts of each array's largest value:", worst)
    assert worst < 1e-4
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
