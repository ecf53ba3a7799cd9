"""Keras' `fit` trains as the Trainer does, and takes Keras' callbacks and optimizers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import srvp_tf
from srvp_tf.config import TrainConfig
from srvp_tf.training.optimizer import PublishedAdam, PublishedSchedule
from tests.models.bounds import without_kinks
from tests.models.small import random_videos, small_config, small_model
from tests.training.test_step import BATCH, FRAMES, ONE, TRAIN, TWO, Run

WEIGHTS = {"kl_y1": 1.0, "kl_z": 2.0, "l2_res": 1.0}
STEPS = 3


def clips(config, num_batches=STEPS):
    videos = random_videos(config, BATCH * num_batches, FRAMES)
    return tf.data.Dataset.from_tensor_slices(videos).batch(BATCH)


@pytest.mark.parametrize(
    ("family", "devices"),
    [("dcgan", TWO), ("svg", ONE), pytest.param("vgg", ONE, marks=pytest.mark.long)],
)
def test_steps_of_fit_are_those_of_the_trainer(family, devices, monkeypatch):
    """In float64, from the same weights, on the same clips."""
    without_kinks(monkeypatch)
    ours = Run(devices, family, "float64")
    dataset = clips(ours.model.config)
    for step, batch in enumerate(dataset.as_numpy_iterator(), start=1):
        result = ours.train(step, batch)
    with ours.strategy.scope():
        model = small_model("float64", **ours.model_settings)
        schedule = PublishedSchedule(3e-4, TRAIN["lr_burnin"], TRAIN["lr_decay"])
        weights = TrainConfig(**TRAIN).weights(model.loss_terms)
        model.compile(PublishedAdam(schedule), loss_weights=weights, seed=TRAIN["seed"])
    losses = []
    logged = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: losses.append(logs["loss"])
    )
    history = model.fit(dataset, verbose=0, callbacks=[logged])
    for a, b in zip(model.weights, ours.model.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9, err_msg=a.path)
    last = STEPS * losses[-1] - (STEPS - 1) * losses[-2]  # Keras logs the mean so far
    np.testing.assert_allclose(last, result.mean.loss, rtol=1e-5)
    assert set(history.history) == {"loss", *model.loss_terms}


def test_the_schedule_is_the_published_one():
    schedule = PublishedSchedule(2e-3, burnin=4, decay=4)
    rates = [float(schedule(step)) for step in range(8)]
    np.testing.assert_allclose(rates, [2e-3] * 4 + [1.5e-3, 1e-3, 5e-4, 0.0], rtol=1e-6)


def test_callbacks_validation_and_evaluate(tmp_path):
    model = small_model()
    model.compile(keras.optimizers.SGD(1e-6), seed=1, run_eagerly=True)
    dataset = clips(model.config)
    callbacks = [
        keras.callbacks.TensorBoard(tmp_path / "logs"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        keras.callbacks.EarlyStopping(patience=1),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
    ]
    history = model.fit(
        dataset, validation_data=dataset.take(1), epochs=2, verbose=0, callbacks=callbacks
    )
    assert np.isfinite(history.history["val_loss"]).all()
    assert list((tmp_path / "logs").rglob("events*"))
    kept = srvp_tf.load(tmp_path / "best.keras")
    results = kept.evaluate(dataset, verbose=0, return_dict=True)
    expected = model.evaluate(dataset, verbose=0, return_dict=True)
    for name, value in results.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3)
    terms = results["nll"] + sum(WEIGHTS[name] * results[name] for name in WEIGHTS)
    np.testing.assert_allclose(results["loss"], terms, rtol=1e-5)


def test_a_saved_model_goes_on(tmp_path):
    """After `load_model` the optimizer, the weights of the loss and the seed are as they were."""
    dataset = clips(small_config())
    model = small_model("float64")
    model.compile(PublishedAdam(1e-3), loss_weights={"kl_z": 0.5}, seed=3, run_eagerly=True)
    model.fit(dataset, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(dataset, verbose=0)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12, err_msg=a.path)


def test_float16_is_trained_by_keras_loss_scale():
    model = small_model("mixed_float16")
    model.compile(keras.optimizers.LossScaleOptimizer(PublishedAdam(1e-4), initial_scale=64.0))
    before = [weight.numpy() for weight in model.trainable_weights]
    history = model.fit(clips(model.config), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    after = model.trainable_weights
    assert any(not np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_an_unknown_term_is_named():
    with pytest.raises(srvp_tf.UserError, match="'kl' is not known; there are nll, kl_y1, kl_z"):
        small_model().compile(loss_weights={"kl": 1.0})


def test_what_fit_cannot_take_is_one_line_and_spoils_nothing():
    model = small_model()
    for name in ("loss", "metrics"):
        with pytest.raises(srvp_tf.UserError, match=f"{name}: the loss is the model's"):
            model.compile("adam", **{name: ["mse"]})
    model.compile("adam", run_eagerly=True)
    videos = random_videos(model.config, 4, FRAMES)
    too_large = tf.data.Dataset.from_tensors(videos.astype(np.float32))
    for arguments, message in (
        ((videos[:, :3], videos[:, 3:]), "give clips alone"),
        ((tf.data.Dataset.from_tensors((videos, videos)),), "give clips alone"),
        ((videos[:, :2],), "needs 3 or more"),
        ((too_large,), "give them in"),
    ):
        for function in (model.fit, model.evaluate):
            with pytest.raises(srvp_tf.UserError, match=message):
                function(*arguments)
    assert np.isfinite(model.fit(videos, verbose=0, batch_size=2).history["loss"]).all()
    batches = ((videos[:2],) for _ in range(2))
    assert np.isfinite(model.fit(batches, verbose=0).history["loss"]).all()
    with pytest.raises(srvp_tf.UserError, match="export.saved_model"):
        model.export("folder")
    with pytest.raises(srvp_tf.UserError, match="is a Config: give a ModelConfig"):
        srvp_tf.SRVP(srvp_tf.Config())
