import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.errors import UserError
from srvp_tf.losses import LossTerms
from srvp_tf.step_meter import MAX_SKIPPED_STEPS, StepMeter
from srvp_tf.training_step import Contribution, StepResult


def result(loss=1.0, is_finite=True, gradient_norm=1.0, **terms):
    """A step's result as tensors; all KL by dimension equal the loss."""
    terms = {"nll": loss, "kl_y1": 0.0, "kl_z": 0.0, "l2_res": 0.0} | terms
    mean = Contribution(loss, LossTerms(**terms), np.full(2, loss), np.full(3, loss))
    numbers = StepResult(mean, gradient_norm, 0.1, is_finite)
    return tf.nest.map_structure(tf.constant, numbers)


def meter(**config):
    return StepMeter(TrainConfig(batch_size=4, **config))


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    now = [100.0]
    monkeypatch.setattr("srvp_tf.step_meter.time.monotonic", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_a_reading_is_the_mean_since_the_last_one():
    m = meter()
    for loss in (1.0, 3.0):
        m.add(result(loss))
    assert m.read(2)[0].mean.loss == 2.0
    for loss in (5.0, 6.0, 10.0):
        m.add(result(loss))
    mean, speed = m.read(5)
    assert mean.mean.loss == 7.0 and mean.mean.terms.nll == 7.0
    assert mean.mean.kl_z.tolist() == [7.0, 7.0, 7.0] and speed["skipped_steps"] == 0


def test_speeds_count_neither_pauses_nor_what_was_read(clock):
    m = meter()
    clock(50)
    m.add(result())
    m.read(1)
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
    m = StepMeter(TrainConfig(), elapsed_before=7.0)
    with m.paused():
        clock(3)
    clock(2)
    assert m.elapsed() == pytest.approx(12.0)


@pytest.mark.parametrize("name", ["nll", "kl_y1", "kl_z", "l2_res"])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_term_that_is_not_finite_is_named_with_its_step(name, precision):
    m = meter(precision=precision)
    m.add(result())
    m.read(1)
    m.add(result())
    m.add(bad_term(name))
    m.add(result())
    with pytest.raises(UserError, match=f"^{name} is not finite at step 3: .*--learning_rate$"):
        m.read(4)


def bad_term(name):
    return result(np.inf, is_finite=False, **({"nll": 1.0} | {name: np.inf}))


def test_gradients_that_are_not_finite_stop_float32():
    m = meter()
    m.add(result(gradient_norm=np.nan, is_finite=False))
    with pytest.raises(UserError, match="the gradient is not finite at step 9"):
        m.read(9)


def test_a_dynamic_scale_may_skip_steps_but_not_for_ever():
    m = meter(precision="mixed_float16")
    skipped = result(50.0, gradient_norm=np.inf, is_finite=False)
    m.add(result(2.0))
    for _ in range(MAX_SKIPPED_STEPS - 1):
        m.add(skipped)
    mean, speed = m.read(MAX_SKIPPED_STEPS)
    assert speed["skipped_steps"] == MAX_SKIPPED_STEPS - 1
    assert mean.mean.loss == 2.0 and mean.gradient_norm == 1.0
    m.add(skipped)
    with pytest.raises(UserError, match=f"not finite at step {MAX_SKIPPED_STEPS + 1}"):
        m.read(MAX_SKIPPED_STEPS + 1)
