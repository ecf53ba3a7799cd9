"""What the page has to show from the start: test videos, and digits to be thrown."""

from typing import NamedTuple

import numpy as np

from srvp_tf.config import Config

DIGITS = (43, 53, 57, 6, 107, 33, 26, 102, 22, 63)
"""Test digits of the package that look like 0 to 9, in this order."""


class MotionRules(NamedTuple):
    """How thrown digits move: as in the corpus that the run was trained on."""

    num_digits: int
    max_speed: int
    deterministic: bool


def digits() -> np.ndarray:
    """Pictures of the digits to pick: uint8 [10, 28, 28]."""
    from data_pipelines.moving_mnist.digits import load_embedded

    return load_embedded().test[np.array(DIGITS)]


def rules(config: Config) -> MotionRules | None:
    """The `MotionRules` of a run's `Config`; None if its corpus is no Moving MNIST."""
    data = config.data
    if data.dataset != "moving_mnist":
        return None
    return MotionRules(data.num_digits, data.max_speed, data.motion == "deterministic")
