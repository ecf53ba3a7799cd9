import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.training.state import Status
from srvp_tf.training.step import Contribution, StepResult
from srvp_tf.training.step_meter import StepMeter


def result(loss=1.0, is_finite=True, gradient_norm=1.0, **terms):
    """A step's result as tensors; all KL by dimension equal the loss."""
    terms = {"nll": loss, "kl_y1": 0.0, "kl_z": 0.0, "l2_res": 0.0} | terms
    mean = Contribution(loss, terms, {"y1": np.full(2, loss), "z": np.full(3, loss)})
    numbers = StepResult(mean, gradient_norm, 0.1, is_finite)
    return tf.nest.map_structure(tf.constant, numbers)


SKIPPED = result(np.inf, is_finite=False, gradient_norm=np.nan)


def meter(**config):
    return StepMeter(TrainConfig(batch_size=4, **config), Status())


def read(m, step, *results):
    """The next reading, after the results of further steps up to `step`."""
    for each in results:
        m.add(each)
    return m.read(step)


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    now = [100.0]
    monkeypatch.setattr("srvp_tf.training.step_meter.time.monotonic", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_speeds_count_neither_pauses_nor_what_was_read(clock):
    m = meter()
    clock(50)
    read(m, 1, result())
    for _ in range(6):
        with m.waiting():
            clock(0.5)
        clock(1.5)
        m.add(result())
    with m.paused():
        clock(1000)
    _, speed = m.read(7)
    assert speed["steps_per_second"] == pytest.approx(0.5)
    assert speed["clips_per_second"] == pytest.approx(2.0)
    assert speed["input_wait_share"] == pytest.approx(0.25)


def test_elapsed_time_goes_on_from_earlier_processes_and_counts_everything(clock):
    m = StepMeter(TrainConfig(), Status(elapsed_seconds=7.0))
    with m.paused():
        clock(3)
    clock(2)
    assert m.elapsed() == pytest.approx(12.0)


def test_a_reading_averages_the_applied_steps_and_counts_the_skipped_ones():
    m = meter()
    assert read(m, 2, SKIPPED, SKIPPED)[1]["skipped_steps"] == 2
    mean, speed = read(m, 6, result(2.0), SKIPPED, SKIPPED, result(4.0))
    assert speed["skipped_steps"] == 2
    assert mean.mean.loss == 3.0 and mean.gradient_norm == 1.0
