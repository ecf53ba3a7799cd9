"""SVG beside its golden values: its initial weights, and what its futures depend on."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain_svg import plain_copy
from srvp_tf.config import ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.losses import objective
from srvp_tf.models.svg.model import SVG
from tests.models.small import random_videos, small_config, small_model, spread_statistics
from tests.runs import small_run

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
VARIANTS = {
    "dcgan": {},
    "vgg": {"family": "vgg", "channels": 3},
    "skips of the frame before": {"last_frame_skip": True, "predictor_layers": 1},
}


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    return spread_statistics(small_model(model="svg", **VARIANTS[request.param]))


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 3, 6)


@pytest.fixture(scope="module")
def futures(model, videos):
    """Three of four frames of three videos."""
    return model.forecast(videos[:, :3], 4, num_samples=3, seed=5).numpy()


def test_initial_weights_follow_the_authors_distributions():
    model = SVG(ModelConfig(model="svg", nz=10, nf=16))
    values = {v.path.partition("/")[2]: v.numpy() for v in model.trainable_variables}
    bound = model.config.nh_inf**-0.5
    for path, value in values.items():
        if "lstm" in path:
            assert np.abs(value).max() <= bound
            assert np.std(value) == pytest.approx(bound / 3**0.5, rel=0.15)
        elif path.endswith("scale"):
            assert np.abs(value - 1).max() < 0.1 and np.std(value) > 0.01
        elif path.endswith("kernel"):
            assert np.std(value) == pytest.approx(0.02, rel=0.15), path
        else:
            assert not value.any(), path


def test_a_future_depends_on_its_own_address_alone(model, videos, futures):
    fewer = model.forecast(videos[:, :3], 2, num_samples=2, seed=5)
    np.testing.assert_allclose(fewer, futures[:, :2, :2], **CLOSE)
    alone = model.forecast(videos[1:2, :3], 4, num_samples=3, seed=5, video_ids=[1])
    np.testing.assert_allclose(alone, futures[1:2], **CLOSE)
    assert np.abs(futures[:, 0] - futures[:, 1]).max() > 1e-4
    other = model.forecast(videos[:, :3], 4, num_samples=3, seed=6)
    assert np.abs(other - futures).max() > 1e-4


def test_frozen_it_predicts_the_same(model, videos, futures):
    frozen = model.frozen()
    np.testing.assert_allclose(
        frozen.forecast(videos[:, :3], 4, num_samples=3, seed=5), futures, **CLOSE
    )


def test_a_sample_explains_observed_frames_as_the_objective_does(model, videos):
    """`reconstruct_samples` in one batch of all samples against `call`, sample 0 of each video."""
    noise = model.forecast_noise(5, tf.range(3), tf.range(2), 6)
    explained = model.reconstruct_samples(model.infer_frames(videos), noise)
    if not model.config.last_frame_skip:  # `call` keeps the skips of nt_inf - 1 frames, as training
        observed = model.config.nt_inf - 1
        explained = explained[:, :, :observed]
    outputs = model(videos, seed=5)
    expected = outputs.frames[:, 1 : 1 + explained.shape[2]]
    np.testing.assert_allclose(explained[:, 0], expected, **CLOSE)
    np.testing.assert_array_equal(outputs.frames[:, 0], model.to_unit_range(videos)[:, 0])


def test_by_the_statistics_of_the_batch_a_future_depends_on_the_other_videos():
    config = small_config(model="svg", channels=3)
    model = spread_statistics(SVG(config, batch_statistics=True))
    videos = random_videos(model.config, 3, 3)
    before = [v.numpy() for v in model.weights]
    together = model.forecast(videos, 2, seed=5).numpy()
    alone = model.forecast(videos[:2], 2, seed=5)
    assert np.abs(together[:2] - alone).max() > 1e-3
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
    assert SVG.from_config(model.get_config()).batch_statistics
    with pytest.raises(UserError, match="one sample at a time"):
        model.forecast(videos, 2, num_samples=2)


def test_what_it_cannot_be_made_with_is_one_line(tmp_path):
    with pytest.raises(UserError, match="nt_inf=1 is too few for SVG"):
        SVG(small_config(model="svg", nt_inf=1))
    model = small_model(model="svg")
    with pytest.raises(UserError, match="decoded_frames=2: SVG decodes all"):
        model.training_noise(0, 1, tf.range(2), 5, num_decoded=2)
    with pytest.raises(UserError, match="--batch_size=1 is too small for --model=svg: give 2"):
        small_run.trainer(small_run.config(*small_run.SVG, "--batch_size=1"), tmp_path)


@pytest.mark.parametrize("settings", [{}, {"last_frame_skip": True}], ids=["kept", "last"])
def test_it_is_the_model_written_down_step_by_step(settings):
    """In float64: one pass over all frames against one call of the encoder after the other."""
    model = spread_statistics(small_model("float64", model="svg", **settings))
    plain = plain_copy(model)
    videos = tf.constant(random_videos(model.config, 3, 6) / 255.0)
    noise = model.forecast_noise(5, tf.range(3), tf.range(2), 6)
    futures = model.forecast_from_noise(videos[:, :3], noise)
    expected = plain.predict_plainly(videos[:, :3], noise._replace(z=tf.cast(noise.z, tf.float64)))
    np.testing.assert_allclose(futures, expected, rtol=1e-9)
    eps = tf.cast(noise.z[:, 0], tf.float64)
    ours, theirs = (m(videos, noise=eps, training=True) for m in (model, plain))
    np.testing.assert_allclose(ours.frames, theirs.frames, rtol=1e-9)
    np.testing.assert_allclose(*(tf.concat([x.p_z.loc, x.q_z.scale], -1) for x in (ours, theirs)))
    for a, b in zip(model.non_trainable_weights, plain.non_trainable_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9, err_msg=a.path)


@pytest.mark.parametrize("options", [{"remat": True}, {"precision": "mixed_bfloat16"}], ids=str)
def test_memory_and_precision_are_chosen_as_for_srvp(options):
    """Recomputed activations give the same slopes and statistics, bfloat16 ones near them."""
    config = small_config(model="svg")
    videos = tf.constant(random_videos(config, 4, 5) / np.float32(255))
    found = []
    for settings in ({}, options):
        model = SVG(config, **settings)
        noise = model.training_noise(0, 1, tf.range(4), 5)
        with tf.GradientTape() as tape:
            loss, _, outputs = objective(model, videos, noise, {"mse": 1.0, "kl_z": 1e-4})
            loss = tf.reduce_mean(loss)
        kernels = [v.value for v in model.trainable_variables if "kernel" in v.path]
        slopes = np.concatenate([np.ravel(g) for g in tape.gradient(loss, kernels)])
        statistics = np.concatenate([np.ravel(v) for v in model.non_trainable_weights])
        found.append((slopes, statistics, np.ravel(outputs.frames)))
    for expected, value in zip(*found, strict=True):
        allowed = 1e-5 if "remat" in options else 0.1
        assert np.linalg.norm(value - expected) <= allowed * np.linalg.norm(expected)
