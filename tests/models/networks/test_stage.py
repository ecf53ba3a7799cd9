"""Recomputed activations change memory and time, and nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.models.srvp import SRVP
from srvp_tf.training.step import TrainingStep
from srvp_tf.training.strategy import mirrored_strategy
from tests.models.small import random_videos, small_config

DEVICES = ("/device:CPU:0", "/device:CPU:1")


def trained(config, remat, devices, precision="float32"):
    """All weights, running statistics included, after two steps."""
    strategy = mirrored_strategy(*devices)
    with strategy.scope():
        model = SRVP(config, precision, remat=remat)
        step = TrainingStep(model, TrainConfig(precision=precision))
    clips = tf.data.Dataset.from_tensors(random_videos(config, 2 * len(devices), 4)).repeat()
    batches = iter(strategy.experimental_distribute_dataset(clips))
    for number in (1, 2):
        step(next(batches), number)
    return [weight.numpy() for weight in model.weights]


@pytest.mark.parametrize(
    ("family", "skips", "precision"),
    [
        pytest.param("vgg", True, "mixed_bfloat16", marks=pytest.mark.long),
        ("dcgan", False, "float32"),
    ],
)
def test_weights_and_statistics_are_bit_equal(family, skips, precision):
    config = small_config(family=family, skips=skips)
    weights = (trained(config, remat, DEVICES[:1], precision) for remat in (False, True))
    for expected, found in zip(*weights, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.long
def test_two_devices_agree():
    config = small_config(family="vgg", skips=True)
    weights = (trained(config, remat, DEVICES) for remat in (False, True))
    for expected, found in zip(*weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
