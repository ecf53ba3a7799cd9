"""The settings of a run, the flags for them, and what ships with the package."""

from srvp_tf.config.settings import (
    CONFIG_FORMAT,
    RESUMABLE_FIELDS,
    SECTIONS,
    Config,
    DataConfig,
    EvalConfig,
    ModelConfig,
    TrainConfig,
    config_fields,
    differing_settings,
)

__all__ = [
    "Config",
    "DataConfig",
    "EvalConfig",
    "CONFIG_FORMAT",
    "ModelConfig",
    "RESUMABLE_FIELDS",
    "SECTIONS",
    "TrainConfig",
    "config_fields",
    "differing_settings",
]
