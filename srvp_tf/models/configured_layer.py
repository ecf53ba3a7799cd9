"""Layers of a model: made with a seed, and those of a registry with the model's settings too."""

import dataclasses
import inspect

import keras

from srvp_tf.config import ModelConfig
from srvp_tf.models.initializers import child_seed


class SeededLayer(keras.layers.Layer):
    """Base of the layers of a model, which keep each argument as an attribute of the same name.

    Args:
        seed: of the initial weights.
    """

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def part(self, layer: type, name: str, *args, **options) -> keras.layers.Layer:
        """A sublayer of the same dtype, with a seed of its own."""
        options |= {"seed": child_seed(self.seed, name), "dtype": self.dtype_policy}
        return layer(*args, name=name, **options)

    def get_config(self) -> dict:
        parameters = inspect.signature(self.__init__).parameters.values()
        names = [x.name for x in parameters if x.kind is x.POSITIONAL_OR_KEYWORD]
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return own | super().get_config()


class ConfiguredLayer(SeededLayer):
    """Base of what a registry holds: networks and dynamics, all made in one way.

    Args:
        config: a `ModelConfig`.
        seed: of the initial weights.
    """

    def __init__(self, config: ModelConfig, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.config = config

    @classmethod
    def from_config(cls, config: dict) -> "ConfiguredLayer":
        return cls(**config | {"config": ModelConfig(**config["config"])})

    def get_config(self) -> dict:
        own = {"config": dataclasses.asdict(self.config), "seed": self.seed}
        return super().get_config() | own
