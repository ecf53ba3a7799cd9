"""The settings of a run, the flags for them, and what ships with the package."""

from srvp_tf.config.settings import (
    FORMAT_VERSION,
    RESUMABLE_FIELDS,
    SECTIONS,
    Config,
    DataConfig,
    EvalConfig,
    ModelConfig,
    TrainConfig,
    config_fields,
    differences,
)

__all__ = [
    "Config",
    "DataConfig",
    "EvalConfig",
    "FORMAT_VERSION",
    "ModelConfig",
    "RESUMABLE_FIELDS",
    "SECTIONS",
    "TrainConfig",
    "config_fields",
    "differences",
]
