import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.training.step import TrainingStep
from srvp_tf.training.trainer import Trainer
from srvp_tf.training.validation import Validator
from tests.runs import small_run
from tests.runs.small_run import NUM_STEPS, frames, saved, training_data, validation_data


def bits(arrays):
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A trainer for tests that look at its answers to bad data, and train nothing."""
    return small_run.trainer(small_run.config(), tmp_path_factory.mktemp("untrained"))


# --- what a run leaves behind --------------------------------------------------------------------


def test_a_run_leaves_the_last_models_the_best_one_and_samples(finished):
    names = {p.name for p in (finished() / "checkpoints").iterdir()}
    lasts = {f"last-{step:08d}.npz" for step in (4, 8, 12)}
    assert lasts < names and len(names) == 4
    arrays, metadata = saved(finished())
    assert metadata["step"] == arrays["adam/step"] == NUM_STEPS
    assert RunFolder(finished()).config() == small_run.config()
    for step in (5, 10, 12):  # every 5 steps, and after the last one
        with Image.open(finished() / "samples" / f"step-{step:08d}.gif") as gif:
            assert gif.n_frames == small_run.config().data.val_length
    # There is nothing more to do.
    assert small_run.run(small_run.config(), finished()) is None
    assert bits(saved(finished())[0]) == bits(arrays)


def test_a_run_with_other_logging_has_the_same_weights(finished):
    other = finished("--checkpoint_interval=1", "--keep_last=2")
    assert bits(saved(finished())[0]) == bits(saved(other)[0])


def test_functions_are_told_the_steps_and_the_draws_and_may_give_floats(tmp_path, finished):
    c, asked = small_run.config(), []

    def training(done):
        asked.append(("steps", done))
        return training_data(c).skip(done).map(lambda x: tf.cast(x, tf.float32) / 255.0)

    def validation(draw):
        asked.append(("draw", draw))
        return validation_data(c)

    small_run.run(c, tmp_path, training, validation)
    expected, _ = saved(finished())
    # But for rounding: TensorFlow may turn a division by 255 into a multiplication.
    for name, array in saved(tmp_path)[0].items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-4)
    # The first validation's data is also looked at before training starts.
    assert asked == [("steps", 0), *(("draw", draw) for draw in (0, 0, 1, 2))]


def test_among_equal_validations_the_earlier_is_the_best(tmp_path, monkeypatch):
    run, scores = Validator.run, iter([20.0, 21.0, 21.0])
    monkeypatch.setattr(
        Validator, "run", lambda *arguments: run(*arguments)._replace(psnr=next(scores))
    )
    small_run.run(small_run.config(), tmp_path)
    status = saved(tmp_path)[1]
    assert status["best_psnr"] == 21.0 and status["best_step"] == 10
    assert saved(tmp_path, "best")[1]["step"] == 10


# --- other starts --------------------------------------------------------------------------------


def test_init_from_takes_the_weights_and_nothing_else(tmp_path, finished):
    c = small_run.config("--seed=9")
    old = finished()
    for source in (old, RunFolder(old).checkpoint_path("last")):
        trainer = small_run.trainer(c, tmp_path / source.name, init_from=source)
        arrays = checkpoints.values(trainer._variables())
        for name, array in saved(old)[0].items():
            if name.startswith("model/"):
                assert np.array_equal(arrays[name], array)
            else:
                assert not arrays[name].any()
        assert trainer.status.step == 0


def test_init_from_something_else_makes_no_run_folder(tmp_path, finished):
    other = small_run.config("--nhx=9")
    with pytest.raises(UserError, match="belongs to another model"):
        small_run.trainer(other, tmp_path / "a", init_from=finished())
    with pytest.raises(UserError, match="is neither a run folder nor a checkpoint"):
        small_run.trainer(other, tmp_path / "a", init_from=tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "precision", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.long)]
)
def test_mixed_precision_learns(tmp_path, monkeypatch, precision):
    # One batch again and again, so the loss must fall.
    c = small_run.config(f"--precision={precision}", "--learning_rate=1e-2")
    losses, step = [], TrainingStep.__call__

    def noted(*arguments):
        result = step(*arguments)
        losses.append(float(result.mean.loss))
        return result

    monkeypatch.setattr(TrainingStep, "__call__", noted)
    batch = frames(c, 1, c.train.batch_size, c.data.train_length) // 8
    data = tf.data.Dataset.from_tensor_slices(batch).repeat()
    small_run.run(c, tmp_path, data)
    assert np.isfinite(losses).all() and np.mean(losses[-3:]) < np.mean(losses[:3]) - 5
    arrays, _ = saved(tmp_path)
    assert all(array.dtype in (np.float32, np.int64) for array in arrays.values())
    if precision == "mixed_float16":
        assert arrays["loss_scale/good_steps"] <= NUM_STEPS and arrays["loss_scale/value"] >= 1
        again = small_run.trainer(c, tmp_path)
        assert bits(checkpoints.values(again._variables())) == bits(arrays)


# --- data that cannot be used --------------------------------------------------------------------


def batches(shape, dtype=tf.uint8, count=NUM_STEPS, value=0):
    return tf.data.Dataset.from_tensors(tf.fill(shape, tf.cast(value, dtype))).repeat(count)


def of_shape(shape):
    """Batches whose sizes are known as far as `shape` says."""
    spec = tf.TensorSpec(shape, tf.uint8)
    return tf.data.Dataset.from_generator(lambda: iter(()), output_signature=spec)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (batches([4, 4, 32, 32, 3]), r"uint8 \[4, 4, 32, 32, 3\], .* \[4, T >= 2, 32, 32, 1\]"),
        (batches([4, 1, 32, 32, 1]), r"uint8 \[4, 1, 32, 32, 1\]"),
        (batches([3, 4, 32, 32, 1]), r"uint8 \[3, 4, 32, 32, 1\]"),
        (batches([4, 4, 32, 32, 1], tf.int32), r"int32 .* uint8 or float"),
        (of_shape(None), "uint8 of unknown rank"),
        (of_shape([4, None, 32, 32, 1]), "sizes known in advance"),
        (of_shape([None, 4, 32, 32, 1]), "drop_remainder=True"),
        (tf.data.Dataset.zip(2 * (batches([4, 4, 32, 32, 1]),)), "tuples and not single tensors"),
        (batches([4, 4, 32, 32, 1], count=3), r"3 batches left, 12 are needed: add .repeat\(\)"),
        (lambda done: np.zeros([9, 4, 4, 32, 32, 1], np.uint8), "ndarray: give a tf.data.Dataset"),
        (batches([4, 4, 32, 32, 1], tf.float32, value=255), "range from 255 to 255; .* as uint8"),
        (batches([4, 4, 32, 32, 1], tf.float16, value=-1), r"range from -1 to -1; .* in \[0, 1\]"),
    ],
)
def test_training_data_that_does_not_fit_is_one_line_before_training(data, words, untrained):
    with pytest.raises(UserError, match=f"the training data .*{words}") as caught:
        untrained.train(data, validation_data(untrained.config))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (batches([2, 6, 32, 32, 1], count=1), r"clips \[B, 5, 32, 32, 1\]"),
        (batches([2, 5, 32, 32, 1], count=None), r"never ends: add .take\(n\)"),
        (batches([2, 5, 32, 32, 1], count=0), "is empty"),
        (lambda draw: [], "list: give a tf.data.Dataset"),
        (batches([2, 5, 32, 32, 1], tf.float32, count=1, value=255), "range from 255 to 255"),
    ],
)
def test_validation_data_that_does_not_fit_is_one_line_before_training(data, words, untrained):
    with pytest.raises(UserError, match=f"the validation data .*{words}") as caught:
        untrained.train(training_data(untrained.config), data)
    assert "\n" not in str(caught.value)


def test_data_that_ends_early_is_one_clear_line(tmp_path, finished):
    c = small_run.config()
    hidden = training_data(c).filter(lambda _: True).take(6)  # its length is not known in advance
    trainer = small_run.sharing_trainer(c, tmp_path)
    with pytest.raises(UserError, match=r"ended before step 7: add .repeat\(\)"):
        trainer.train(hidden, validation_data(c))
    # Its weights are those of step 6, its checkpoint is that of step 4: it cannot go on.
    with pytest.raises(UserError, match="a new one resumes from the checkpoint"):
        trainer.train(training_data(c), validation_data(c))
    small_run.run(c, tmp_path)
    small_run.assert_same_run(tmp_path, finished())


def test_a_batch_that_the_devices_cannot_share_is_refused(tmp_path):
    with pytest.raises(UserError, match="--batch_size=5 is not a multiple of the 2 devices: use 4"):
        Trainer(small_run.config("--batch_size=5"), tmp_path / "run")
    assert not list(tmp_path.iterdir())
