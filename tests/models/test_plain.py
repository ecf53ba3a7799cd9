"""Our networks are the plain ones of `benchmarks.plain`: outputs, gradients, running means.

Running variances are not Keras' own: `tests.golden` compares them with those of the authors' code.
"""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain import plain_copy, variable_pairs
from srvp_tf.config import TrainConfig
from srvp_tf.models.noise import training_noise
from srvp_tf.training.step import TrainingStep
from tests.models.bounds import rounding, without_kinks
from tests.models.small import forecast_eagerly, random_videos, trained_looking

# Largest error of a tensor, as a share of its largest value. In float32 sums are in another order:
# 18 blocks of vgg, of up to 9 x 64 terms.
TOLERANCE = {"float64": 1e-9, "float32": rounding("float32", 18, 9 * 64)}

ARCHITECTURES = [
    ("dcgan", False),
    ("dcgan", True),
    ("vgg", False),
    ("vgg", True),
    ("dcgan_half", False),
]


def model_and_plain(precision="float64", **changes):
    """A model far from its initial values, and its plain copy."""
    model = trained_looking(precision, **changes)
    return model, plain_copy(model)


def assert_close(actual, desired, tolerance, name=""):
    actual, desired = np.asarray(actual), np.asarray(desired)
    scale = np.abs(desired).max()
    assert scale > 0, name
    np.testing.assert_allclose(actual, desired, rtol=0, atol=tolerance * scale, err_msg=name)


def random_inputs(config, batch, num_frames, dtype):
    """Frames [batch, H, W, C], content [batch, nw], states [batch, num_frames, ny]."""
    generator = np.random.default_rng(1)
    frames = generator.uniform(size=(batch, config.frame_size, config.frame_size, config.channels))
    content = generator.normal(size=(batch, config.nh_inf))
    states = generator.normal(size=(batch, num_frames, config.ny))
    return [tf.constant(x, dtype) for x in (frames, content, states)]


def outputs_and_gradients(model, inputs, variables, training):
    """Features and decoded frames, and gradients of a scalar function of both."""
    variables = [v.value for v in variables if v.trainable]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        frames, content, states = inputs
        features, stages = model.encoder(frames, training=training)
        skips = stages if model.config.skips else None
        decoded = model.decoder(content, states, skips, training=training)
        loss = 0.0
        for seed, x in enumerate((features, decoded)):
            weights = np.random.default_rng(seed).normal(size=x.shape)
            loss += tf.reduce_sum(x * tf.constant(weights, x.dtype))
    return [features, decoded], tape.gradient(loss, [*inputs, *variables])


@pytest.mark.parametrize(
    ("family", "skips", "precision", "training"),
    [
        *((*architecture, "float64", True) for architecture in ARCHITECTURES),
        ("dcgan", True, "float64", False),
        ("vgg", False, "float64", False),
        ("dcgan", False, "float32", False),
        ("vgg", True, "float32", True),
    ],
)
def test_networks(monkeypatch, family, skips, precision, training):
    if precision == "float32":
        without_kinks(monkeypatch)
    model, plain = model_and_plain(precision, family=family, skips=skips, channels=3)
    count = len(model.encoder.weights) + len(model.decoder.weights)
    pairs = variable_pairs(model, plain)[:count]
    statistics = [v.numpy() for v in model.non_trainable_variables]
    # With two videos the encoder's last norm outputs signs: its gradients would be rounding errors.
    inputs = random_inputs(model.config, 4, 3, model.dtype)
    results = [
        outputs_and_gradients(which, inputs, variables, training)
        for which, variables in zip((model, plain), zip(*pairs, strict=True), strict=True)
    ]
    (outputs, gradients), (plain_outputs, plain_gradients) = results
    names = ["frames", "content", "states", *(v.path for v, _ in pairs if v.trainable)]
    for ours, theirs in zip(outputs, plain_outputs, strict=True):
        assert_close(ours, theirs, TOLERANCE[precision])
    for name, ours, theirs in zip(names, gradients, plain_gradients, strict=True):
        error, norm = (np.linalg.norm(x) for x in (ours - theirs, theirs))
        assert 0 < norm and error <= TOLERANCE[precision] * norm, (name, error / norm)
    for ours, theirs in pairs:
        if ours.path.endswith("norm/mean"):
            assert_close(ours, theirs, TOLERANCE[precision], ours.path)
    for variable, before in zip(model.non_trainable_variables, statistics, strict=True):
        assert np.array_equal(variable, before) != training


@pytest.mark.parametrize(("family", "skips"), [("dcgan", True), ("vgg", True)])
def test_gradients_of_the_whole_model(family, skips):
    model, plain = model_and_plain(family=family, skips=skips)
    clips = tf.constant(random_videos(model.config, 2, 4))
    noise = training_noise(model.config, 0, 1, tf.range(2), 4)
    ours, theirs = (TrainingStep(m, TrainConfig()).gradients(clips, noise) for m in (model, plain))
    assert_close(ours[1].loss, theirs[1].loss, 1e-9)
    for name, term in ours[1].terms.items():
        assert_close(term, theirs[1].terms[name], 1e-9, name)
    gradients = [
        {v.path: g for v, g in zip(m.trainable_variables, result[0], strict=True)}
        for m, result in ((model, ours), (plain, theirs))
    ]
    for v, p in variable_pairs(model, plain):
        if v.trainable:
            assert_close(gradients[0][v.path], gradients[1][p.path], 1e-9, v.path)


@pytest.mark.parametrize(
    ("family", "skips", "precision"),
    [("dcgan", True, "float64"), ("vgg", False, "float32"), ("vgg", True, "float64")],
)
def test_forecast(family, skips, precision):
    model, plain = model_and_plain(precision, family=family, skips=skips)
    videos = random_videos(model.config, 2, 3)
    ours, theirs = (forecast_eagerly(m, videos, horizon=2, num_samples=3) for m in (model, plain))
    assert_close(ours, theirs, TOLERANCE[precision])
