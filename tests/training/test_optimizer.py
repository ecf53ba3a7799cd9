"""Adam, its learning rate and the loss scale against plain NumPy."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.training.optimizer import LossScale, PublishedAdam, learning_rate


@pytest.mark.parametrize(
    "step, burnin, decay, expected",
    [
        (1, 100, 50, 3e-4),
        (100, 100, 50, 3e-4),
        (101, 100, 50, 3e-4 * 0.98),
        (1, 0, 4, 3e-4 * 0.75),
        (5, 5, 0, 3e-4),
        (1_099_999, 1_000_000, 100_000, 3e-9),
        (1_100_000, 1_000_000, 100_000, 0.0),
        (7, 0, 7, 0.0),
    ],
)
def test_rate_is_constant_then_linear_to_zero(step, burnin, decay, expected):
    rate = learning_rate(tf.constant(step, tf.int64), 3e-4, burnin, decay)
    np.testing.assert_allclose(rate, expected, rtol=1e-10)


def gradients_of_every_size(steps):
    """From 1e-12, far below Adam's epsilon, over 1e-8, where its place matters most, to 1."""
    random = np.random.default_rng(0)
    sizes = 10.0 ** np.arange(-12, 1)[:, None]
    return [sizes * random.normal(size=(13, 4)) for _ in range(steps)]


def textbook_adam(weights, gradients, rates):
    """Kingma and Ba's algorithm 1, as PyTorch has it, in float64."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**t), second / (1 - 0.999**t)
        weights = weights - rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    return weights


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-6)])
def test_adam_is_the_textbooks_at_gradients_of_every_size(dtype, tolerance):
    gradients, rates = gradients_of_every_size(30), np.linspace(0.3, 0.0, 30)
    variable = tf.Variable(np.zeros((13, 4)), dtype=dtype)
    adam = PublishedAdam(Rates(rates))
    for gradient in gradients:
        adam.apply([tf.constant(gradient, dtype)], [variable])
    expected = textbook_adam(np.zeros((13, 4)), gradients, rates)
    # Each row has gradients of one size: its updates are judged by their own scale.
    error = np.abs(variable.numpy() - expected).max(axis=1) / np.abs(expected).max(axis=1)
    assert error.max() < tolerance
    assert adam.iterations.numpy() == 30


class Rates(keras.optimizers.schedules.LearningRateSchedule):
    """Given learning rates, one for each step, in float64."""

    def __init__(self, rates):
        self.rates = tf.constant(rates, tf.float64)

    def __call__(self, step):
        return tf.gather(self.rates, tf.cast(step, tf.int64))


PYTORCHS_ADAM = """
import sys
import numpy as np, torch
weights = torch.zeros((13, 4), dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.Adam([weights], lr=3e-4, betas=(0.9, 0.999), eps=1e-8)
for gradient in np.load(sys.argv[1]):
    weights.grad = torch.tensor(gradient)
    optimizer.step()
np.save(sys.argv[2], weights.detach().numpy())
"""


def test_adam_is_pytorchs(tmp_path):
    gradients = gradients_of_every_size(5)
    files = [tmp_path / "gradients.npy", tmp_path / "weights.npy"]
    np.save(files[0], gradients)
    # PyTorch's optimisers load Triton, if it is there, whose LLVM dies where TensorFlow's is.
    subprocess.run([sys.executable, "-c", PYTORCHS_ADAM, *map(str, files)], check=True)
    ours = tf.Variable(np.zeros((13, 4)))
    adam = PublishedAdam(Rates([3e-4] * 5))
    for gradient in gradients:
        adam.apply([tf.constant(gradient)], [ours])
    np.testing.assert_allclose(ours, np.load(files[1]), rtol=1e-10)


def test_loss_scale_multiplies_the_loss_and_halves_after_a_bad_step():
    scale = LossScale(dynamic=True)
    assert scale.scale(tf.constant(0.5)) == 2.0**14 and scale.unscale(tf.constant(2.0**14)) == 0.5
    for _ in range(3):
        scale.update(tf.constant(True))
    assert (scale.value.numpy(), scale.good_steps.numpy()) == (2.0**15, 3)
    scale.update(tf.constant(False))
    assert (scale.value.numpy(), scale.good_steps.numpy()) == (2.0**14, 0)


def test_loss_scale_doubles_after_2000_good_steps_in_a_row():
    scale = LossScale(dynamic=True)
    update = tf.function(scale.update)
    values = []
    for _ in range(4000):
        update(tf.constant(True))
        values.append(scale.value.numpy())
    assert values == [2.0**15] * 1999 + [2.0**16] * 2000 + [2.0**17]


def test_loss_scale_stays_between_1_and_its_maximum():
    scale = LossScale(dynamic=True)
    for _ in range(20):
        scale.update(tf.constant(False))
    assert scale.value.numpy() == 1.0
    scale.value.assign(LossScale.MAXIMUM)
    scale.good_steps.assign(LossScale.GROWTH_INTERVAL - 1)
    scale.update(tf.constant(True))
    assert scale.value.numpy() == 2.0**24


def test_a_static_loss_scale_is_one_and_has_no_state():
    scale, number = LossScale(dynamic=False), tf.constant(3.0)
    scale.update(tf.constant(False))
    assert scale.scale(number) is number and scale.unscale(number) is number
    assert scale.variables == []
