"""What can be added to the package by name: models, networks, dynamics, loss terms.

Registries are filled from outside too (docs/extending.md): `DYNAMICS.register("mine")(Mine)`. Those
of metrics (`srvp_tf.metrics.registry`) and corpora (`data_pipelines.registry`) stand beside them.
"""

import collections
import importlib
from collections.abc import Callable
from typing import Any

from srvp_tf.errors import UserError


class Registry(collections.UserDict):
    """Name -> entry, in the order in which they were added.

    Args:
      kind: what an entry is, for messages.
      entries: name -> entry, or "module:attribute", imported when it is asked for: commands parse
        their flags before TensorFlow is loaded.
    """

    def __init__(self, kind: str, entries: dict[str, Any]):
        super().__init__(entries)
        self.kind = kind

    def register(self, name: str) -> Callable[[Any], Any]:
        """A decorator that adds an entry; raises `UserError` if there is another of that name."""

        def add(entry: Any) -> Any:
            if name in self:
                raise UserError(f"{self.kind} {name!r} is there already: choose another name")
            self[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise UserError(f"{self.kind} {name!r} is not known; there are {', '.join(self)}")
        entry = self.data[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self[name] = getattr(importlib.import_module(module), attribute)
        return entry


MODELS = Registry(
    "model", {"srvp": "srvp_tf.models.srvp:SRVP", "svg": "srvp_tf.models.svg.model:SVG"}
)
"""`--model`: name -> subclass of `models.video_model.VideoModel`."""

_NETWORKS, _DYNAMICS = "srvp_tf.models.networks", "srvp_tf.models.dynamics"
_LOSSES = "srvp_tf.models.losses"

NETWORKS = Registry(
    "networks",
    {
        "dcgan": f"{_NETWORKS}.dcgan:DCGAN",
        "vgg": f"{_NETWORKS}.vgg:VGG",
        "dcgan_half": f"{_NETWORKS}.dcgan_half:DCGAN_HALF",
    },
)
"""`--family`: name -> (class of the encoder, class of the decoder); see `models.networks.base`."""

DYNAMICS = Registry(
    "dynamics",
    {
        "residual": f"{_DYNAMICS}:ResidualDynamics",
        "mlp": f"{_DYNAMICS}:PerceptronDynamics",
        "gru": f"{_DYNAMICS}:GRUDynamics",
    },
)
"""`--dynamics`: name -> subclass of `models.dynamics.Dynamics`."""

_TERMS = ("nll", "kl_y1", "kl_z", "l2_res", "kl_z_prior", "mse", "cross_entropy")
LOSS_TERMS = Registry("loss term", {name: f"{_LOSSES}:{name}" for name in _TERMS})
"""`--loss_weights`: name -> function of (frames, what the model returns), see `models.losses`."""
