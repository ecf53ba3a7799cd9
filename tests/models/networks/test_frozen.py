"""A frozen model predicts what the model that it came from did, and cannot be trained."""

import numpy as np
import pytest

from srvp_tf.config import TrainConfig
from srvp_tf.models.srvp import SRVP
from srvp_tf.training.step import TrainingStep
from tests.models.small import forecast_eagerly, random_videos, trained_looking

# Both compute the same products in the same order.
TOLERANCE = {"float64": 1e-14, "float32": 1e-6, "mixed_bfloat16": 1e-6}


@pytest.mark.parametrize(
    ("family", "skips", "precision"),
    [
        ("dcgan", False, "mixed_bfloat16"),
        ("dcgan", True, "float64"),
        ("vgg", False, "float32"),
        ("vgg", True, "mixed_bfloat16"),
    ],
)
def test_it_predicts_the_same(family, skips, precision):
    model = trained_looking(precision, family=family, skips=skips)
    videos = random_videos(model.config, 2, 4)
    expected, actual = (
        forecast_eagerly(m, videos, horizon=3, num_samples=2) for m in (model, model.frozen())
    )
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[precision])


def test_it_holds_no_normalisation_and_training_reaches_it_neither_way():
    model = trained_looking(family="vgg", skips=True)
    videos = random_videos(model.config, 1, 3)
    frozen, before = model.frozen(), forecast_eagerly(model, videos, horizon=1)
    for weight in model.weights:
        weight.assign(0.5 * weight.numpy())
    np.testing.assert_allclose(forecast_eagerly(frozen, videos, horizon=1), before, atol=1e-6)
    assert not [w.path for w in frozen.weights if "norm" in w.path]
    clips = random_videos(frozen.config, 2, 4)
    with pytest.raises(ValueError, match="cannot be trained"):
        TrainingStep(frozen, TrainConfig())(clips, 1)


def test_it_is_made_again_from_its_configuration_and_weights():
    frozen = trained_looking(family="dcgan", skips=True).frozen()
    copy = SRVP.from_config(frozen.get_config())
    copy.set_weights(frozen.get_weights())
    videos = random_videos(frozen.config, 1, 3)
    np.testing.assert_array_equal(*(forecast_eagerly(m, videos, horizon=2) for m in (copy, frozen)))
