"""Steps that are skipped: how many, and what is said of them."""

import numpy as np
import pytest
import tensorflow as tf

import srvp_tf
from srvp_tf.errors import UserError
from srvp_tf.forecasting.generation import check_futures
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.training.optimizer import LossScale
from srvp_tf.training.step_meter import FaultCounter
from tests.runs import small_run
from tests.runs.small_run import NUM_STEPS, frames, logged, saved
from tests.training.test_step_meter import result


def fault(loss_scale=1.0, loss=1.0, **terms):
    """A step that was skipped."""
    given = result(loss, is_finite=False, gradient_norm=np.nan, **terms)
    return given._replace(loss_scale=loss_scale)


def test_faults_in_a_row_are_borne_up_to_the_limit_and_good_steps_start_anew():
    counter = FaultCounter(2)
    for step in range(1, 10):
        counter.add(step, fault() if step % 3 else result())
    counter.add(10, fault())
    counter.add(11, fault())
    with pytest.raises(UserError, match="^the gradient is not finite at step 12 after 2 skipped"):
        counter.add(12, fault())


@pytest.mark.parametrize("name", ["nll", "l2_res"])
def test_the_term_and_the_step_are_named(name):
    given = fault(loss=np.inf, **({"nll": 1.0} | {name: np.inf}))
    with pytest.raises(UserError, match=f"^{name} is not finite at step 7: "):
        FaultCounter(0).add(7, given)


def test_a_loss_scale_that_can_be_halved_is_no_fault_unless_a_term_is_not_finite():
    counter = FaultCounter(0)
    halvings = int(np.log2(LossScale.MAXIMUM))
    for power in range(halvings, 0, -1):
        counter.add(1, fault(2.0**power))
    assert counter.in_a_row == 0
    with pytest.raises(UserError, match="the gradient is not finite"):
        counter.add(1, fault(1.0))
    with pytest.raises(UserError, match="kl_z is not finite"):
        counter.add(1, fault(2.0**15, kl_z=np.nan))


def clips_with_nan(c, *bad_steps):
    clips = frames(c, NUM_STEPS, c.train.batch_size, c.data.train_length).astype(np.float32) / 255
    for step in bad_steps:
        clips[step - 1, 0, 0, 0, 0] = np.nan
    return tf.data.Dataset.from_tensor_slices(clips)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_run_goes_on_past_single_faults_and_says_so(tmp_path, precision):
    # The learning rate is that of the runs of test_trainer.py, which have the same graphs.
    rate = ("--learning_rate=1e-2",) if precision == "mixed_float16" else ()
    c = small_run.config(f"--precision={precision}", *rate, "--max_skipped_steps=1")
    data = clips_with_nan(c, 3, 7, 9), small_run.validation_data(c)
    assert small_run.run(c, tmp_path, *data) is None
    arrays, metadata = saved(tmp_path)
    skipped = NUM_STEPS - arrays["adam/step"]
    # A loss scale that is too large at first may skip others.
    assert metadata["step"] == NUM_STEPS and skipped >= 3 and (precision[0] == "m" or skipped == 3)
    assert all(np.isfinite(array).all() for array in arrays.values())
    assert sum(logged(tmp_path / "logs")["speed/skipped_steps"].values()) == skipped


def test_the_count_in_a_row_outlives_a_restart(tmp_path):
    c = small_run.config("--max_skipped_steps=2", "--keep_last=9")
    data = clips_with_nan(c, 3, 4, 5), small_run.validation_data(c)
    with pytest.raises(UserError, match="nll is not finite at step 5 after 2 skipped before it"):
        small_run.run(c, tmp_path, *data)
    assert saved(tmp_path)[1]["skipped_in_a_row"] == 2  # of step 4
    with pytest.raises(UserError, match="nll is not finite at step 5 after 2 skipped before it"):
        small_run.run(c, tmp_path, *data)
    # A larger limit is no other run.
    more = small_run.config("--max_skipped_steps=3", "--keep_last=9")
    assert small_run.run(more, tmp_path, *data) is None
    assert RunFolder(tmp_path).config().train.max_skipped_steps == 3


def test_a_prediction_says_up_to_where_it_is_finite(finished):
    model = srvp_tf.load(finished())  # so little trained that its states grow without bound
    random = np.random.default_rng(0)
    y = tf.constant(1e36 * random.normal(size=(2, model.config.ny)), tf.float32)
    eps = tf.constant(random.normal(size=(2, 200, model.config.nz)), tf.float32)
    states = model.rollout(y, eps).states.numpy()
    whole = np.isfinite(states).all(axis=(0, 2, 3))
    assert whole[0] and not whole[-1]
    with pytest.raises(UserError, match=f"is finite up to frame {whole.argmin()} only: its state"):
        check_futures(states[..., None])


def test_finite_futures_pass_and_frames_are_counted_from_the_first_predicted_one():
    frames = np.zeros((2, 5, 4, 4, 1))
    check_futures(frames)
    frames[1, 3, 2, 2, 0] = np.nan
    with pytest.raises(UserError, match="finite up to frame 13 only"):
        check_futures(frames, first_frame=11)
