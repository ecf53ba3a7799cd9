"""A layer that is made from the settings of a model."""

import dataclasses

import keras

from srvp_tf.config import ModelConfig


class ConfiguredLayer(keras.layers.Layer):
    """Base of what a registry holds: networks and dynamics, all made in one way.

    Args:
        config: a `ModelConfig`.
        seed: of the initial weights.
    """

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.config, self.seed = config, seed

    @classmethod
    def from_config(cls, config: dict) -> "ConfiguredLayer":
        return cls(**config | {"config": ModelConfig(**config["config"])})

    def get_config(self) -> dict:
        return super().get_config() | {"config": dataclasses.asdict(self.config), "seed": self.seed}
