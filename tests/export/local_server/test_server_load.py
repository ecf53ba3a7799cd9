"""The stand-in under mixed load; `SERVER_LOAD_REQUESTS=10000` sends more than 1,000."""

import os

import numpy as np
import pytest

from tests.export.local_server import server_load

NUM_REQUESTS = int(os.environ.get("SERVER_LOAD_REQUESTS", "1000"))


@pytest.mark.long
def test_mixed_requests_stop_nothing_and_leave_memory_flat(dcgan):
    report = server_load.run(dcgan, NUM_REQUESTS)
    assert report.faults == []
    assert report.answers.total() == NUM_REQUESTS
    quarter = len(report.memory) // 4
    early, late = report.memory[quarter : 2 * quarter], report.memory[-quarter:]
    assert np.median(late) < np.median(early) + 64
