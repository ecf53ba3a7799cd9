"""The signatures of the page's model: small parts, which the page puts together itself.

One video at a time; several futures of it, or several frames, in one call. Noise is an input, and
nothing is checked: the page gives what is right, and LiteRT.js takes no booleans.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from export.signatures.build import Field, Signature, build_signatures
from export.writers.settings import ExportSettings
from srvp_tf.models.distributions import draw
from srvp_tf.models.filtering import FilterState
from srvp_tf.models.srvp import SRVP

FUTURES_PER_CALL = 8
"""States that one call of `prior` or `step` moves: a call costs more than their arithmetic."""

FRAMES_PER_CALL = 4
"""Frames of one call of `decode`: in Chromium a frame costs 2 to 4 times as much alone."""


@dataclasses.dataclass(frozen=True)
class Part(Signature):
    """A `Signature` that neither checks its inputs nor tells whether they are valid."""

    def __call__(self, tensors: dict[str, tf.Tensor], seeded: bool = False) -> dict[str, tf.Tensor]:
        """Name -> tensor of inputs and noise to name -> tensor of outputs."""
        batch = tf.shape(next(iter(tensors.values())))[:1]
        return self.function(**tensors, **self.empty_noise(batch))


def build_parts(model: SRVP, settings: ExportSettings) -> dict[str, Part]:
    """Name -> `Part` of the page's model, of `settings.conditioning_frames` given frames.

    encode      as `export.signatures` has it: the state after the observed frames, of one future
    observe     as there: the state after one frame more
    prior       y [S, ny], noise_z [S, nz] -> z [S, nz]; not in a model without z
    step        y [S, ny], z [S, nz], step_size [S, 1] -> next_y [S, ny]: `Dynamics.sub_step`;
                without z, or without step_size, in a model without
    decode      y [K, ny], w, skip_0 ... -> frames [K, H, W, C]
    """
    c, whole = model.config, build_signatures(model, settings)
    state = whole["predict_single_step"].inputs
    futures = FUTURES_PER_CALL

    def field(*shape: int, values: str = "finite") -> Field:
        return Field(shape, tf.float32, values)

    def part(function: Callable, inputs: dict, noise: dict | None = None) -> Part:
        return Part(inputs, {}, noise or {}, function, lambda: {})

    def prior(y: tf.Tensor, noise_z: tf.Tensor):
        return {"z": draw(model.dynamics.prior(y), noise_z)}

    def step(y: tf.Tensor, z: tf.Tensor | None = None, step_size: tf.Tensor | None = None):
        z = y[..., :0] if z is None else z
        return {"next_y": model.dynamics.sub_step(y, z, step_size)}

    def decode(y: tf.Tensor, **tensors):
        of_video = FilterState.from_tensors(tensors)
        return {"frames": model.decode(of_video.w, y, of_video.skips or None)}

    y = {"y": field(futures, c.ny)}
    z = {"z": field(futures, c.noise_size)} if c.noise_size else {}
    size = {"step_size": field(futures, 1, values="(0, 1]")} if c.takes_euler_steps else {}
    shared = {name: x for name, x in state.items() if name == "w" or name.startswith("skip_")}
    normal = {"noise_z": field(futures, c.noise_size, values="standard normal")}
    parts = {}
    for name in ("encode", "observe"):
        parts[name] = part(whole[name].function, whole[name].inputs, whole[name].noise)
    if z:
        parts["prior"] = part(prior, y, normal)
    parts["step"] = part(step, y | z | size)
    parts["decode"] = part(decode, {"y": field(FRAMES_PER_CALL, c.ny)} | shared)
    return parts
