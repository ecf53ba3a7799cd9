"""The signatures of an exported model: names, shapes, ranges, and the functions behind them.

A signature is written in one of two forms. With seeds, its noise is drawn inside, addressed by
(seed, sample, frame); without, the noise is an input, for runtimes that have no such operations.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from export.signatures.image_bytes import decode_videos, encode_videos
from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from export.signatures.validity import checked, checked_padded, finite_too, where_valid
from export.writers.settings import ExportSettings
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.models.video_model import VideoModel

MULTI_STEP = "predict_multi_step"
"""The signature that is `serving_default` too."""

_CHANGED = "next_"  # outputs never share a name with inputs: ONNX converters fail on that


class Field(NamedTuple):
    """An input: its shape without the batch, its dtype, and what values it takes."""

    shape: tuple
    dtype: tf.DType
    values: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """One signature.

    inputs: name -> `Field` of what both forms take.
    addresses: name -> `Field` of what the seeded form takes besides.
    noise: name -> `Field` of what the other form takes besides, unless it has no elements.
    function: inputs and noise, by name, to name -> tensor of outputs, all batch-major.
    draw: addresses, by name, to name -> tensor of noise.
    check: name -> tensor of inputs to (the same for `function`, valid [B]).
    """

    inputs: dict
    addresses: dict
    noise: dict
    function: Callable
    draw: Callable
    check: Callable = checked

    def fields(self, seeded: bool) -> dict[str, Field]:
        """Name -> `Field` of all inputs of a form."""
        # Other runtimes know no tensors without elements.
        noise = {name: field for name, field in self.noise.items() if 0 not in field.shape}
        return self.inputs | (self.addresses if seeded else noise)

    def empty_noise(self, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        """Name -> tensor of the noise without elements, for a batch of shape `batch` [1]."""
        tensors = {}
        for name, field in self.noise.items():
            if 0 in field.shape:
                tensors[name] = tf.zeros(tf.concat([batch, field.shape], 0))
                tensors[name].set_shape([None, *field.shape])
        return tensors

    def __call__(self, tensors: dict[str, tf.Tensor], seeded: bool) -> dict[str, tf.Tensor]:
        """Name -> tensor of a form's inputs to name -> tensor of outputs, with `valid` [B].

        An example is valid if its inputs are usable and its outputs finite. The other outputs of
        one that is not are zeros, or empty strings.
        """
        inputs, valid = self.check({name: tensors[name] for name in self.inputs})
        noise = {name: x for name, x in tensors.items() if name not in self.inputs}
        if seeded:
            if "frame_index" in noise:
                valid &= noise["frame_index"] >= 1
            noise = self.draw(**noise)
        else:
            noise |= self.empty_noise(tf.shape(valid))
        outputs = self.function(**inputs, **noise)
        valid = finite_too(valid, outputs)
        outputs = {name: where_valid(valid, value) for name, value in outputs.items()}
        return outputs | {"valid": valid}


def build_signatures(model: VideoModel, settings: ExportSettings) -> dict[str, Signature]:
    """Name -> `Signature` of all that a model of given `ExportSettings` is asked.

    State tensors are called as by `VideoModel.encode_state`; what a step changes is returned as
    `next_` and that name.
    """
    c, s = model.config, settings
    sampling = {"euler_steps": s.euler_steps, "frames_per_step": s.frames_per_step}
    frame = Field((c.frame_size, c.frame_size, c.channels), tf.float32, "[0, 1]")
    state = _state_fields(model)
    action = {"action": Field((c.action_size,), tf.float32, "finite")} if c.action_size else {}
    seed = {"seed": Field((), tf.int64, "any")}
    frame_index = {"frame_index": Field((), tf.int64, "of the frame in its video; 1 or more")}

    def video(num_frames: int) -> Field:
        return frame._replace(shape=(num_frames, *frame.shape))

    def actions(*leading: int) -> dict[str, Field]:
        """Of all intervals of a video; none where there are no intervals, or no actions."""
        if not c.action_size or 0 in leading:
            return {}
        values = "finite" + ", the past one in all samples" * (len(leading) > 1)
        return {"actions": Field((*leading, c.action_size), tf.float32, values)}

    def noise(*shape: int) -> Field:
        return Field(shape, tf.float32, "standard normal")

    def from_start(num_frames: int, num_samples: int | None = None) -> dict:
        """Noise of a whole video: its fields, and how it is drawn."""
        samples = () if num_samples is None else (num_samples,)
        fields = {
            "noise_y": noise(*samples, c.first_noise_size),
            "noise_z": noise(*samples, num_frames - 1, c.noise_size),
        }
        return {
            "addresses": seed,
            "noise": fields,
            "draw": lambda seed: draw_from_start(c, seed, num_frames, num_samples),
        }

    at_frame = {
        "addresses": seed | frame_index,
        "noise": {"noise_z": noise(c.noise_size)},
        "draw": lambda seed, frame_index: draw_at_frame(c, seed, frame_index),
    }

    def predicted(frames: tf.Tensor, *leading: int) -> dict[str, tf.Tensor]:
        """Frames as outputs; metadata should tell the sizes that the graph has forgotten."""
        frames.set_shape([None, *leading, s.predicted_frames, *frame.shape])
        return {"predicted_frames": frames}

    def futures(frames: tf.Tensor, noise_y: tf.Tensor, noise_z: tf.Tensor, plans: dict):
        drawn = ForecastNoise(noise_y, noise_z, **plans)
        inferred = model.infer_frames(frames, **drawn.observed_actions(conditioning))
        return model.draw_futures(inferred, drawn, conditioning, **sampling)

    def predict_multi_step(frames: tf.Tensor, noise_y: tf.Tensor, noise_z: tf.Tensor, **plan):
        plans = {name: x[:, None] for name, x in plan.items()}
        # A slice of six dimensions is more than TFLite of TensorFlow 2.20 has.
        drawn = futures(frames, noise_y[:, None], noise_z[:, None], plans)
        return predicted(tf.squeeze(drawn, 1))

    def predict_samples(frames: tf.Tensor, noise_y: tf.Tensor, noise_z: tf.Tensor, **plans):
        return predicted(futures(frames, noise_y, noise_z, plans), s.num_samples)

    def predict_variable(**tensors):
        return predicted(model.predict_variable(**tensors, **sampling))

    def encode(frames: tf.Tensor, **tensors):
        if c.action_size and "actions" not in tensors:  # T = 1: no intervals, and so no input
            tensors["actions"] = tf.zeros([tf.shape(frames)[0], 0, c.action_size])
        return model.encode_state(frames, **tensors)

    def observe(frame: tf.Tensor, noise_z: tf.Tensor, **tensors):
        given = {"action": tensors.pop("action")} if action else {}
        return changed(model.observe_state(tensors, frame, noise_z, **given))

    def predict_single_step(noise_z: tf.Tensor, **tensors):
        given = {"actions": tensors.pop("action")[:, None]} if action else {}
        after, frames = model.predict_from_state(tensors, noise_z[:, None], **given, **sampling)
        frames.set_shape([None, s.frames_per_step, *frame.shape])
        return changed(after) | {"predicted_frames": frames}

    def changed(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {_CHANGED + name: value for name, value in tensors.items()}

    def predict_image_bytes(**tensors):
        frames = predict_multi_step(**tensors)["predicted_frames"]
        return {"predicted_image_bytes": encode_videos(frames)}

    def decoded(inputs: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        frames, valid = decode_videos(inputs["image_bytes"], c.frame_size, c.channels)
        plan = {name: x for name, x in inputs.items() if name != "image_bytes"}
        if not plan:
            return {"frames": frames}, valid
        plan, finite = checked(plan)
        return {"frames": frames, **plan}, valid & finite

    def without(unread: tuple[str, ...]):
        return {name: field for name, field in state.items() if not name.startswith(unread)}

    conditioning, longest = s.conditioning_frames, s.max_conditioning_frames
    frames = {"frames": video(conditioning)}
    whole, intervals = from_start(conditioning + s.horizon), conditioning - 1 + s.horizon
    least = c.nt_inf
    return {
        MULTI_STEP: Signature(frames | actions(intervals), function=predict_multi_step, **whole),
        "predict_samples": Signature(
            frames | actions(s.num_samples, intervals),
            function=predict_samples,
            **from_start(conditioning + s.horizon, s.num_samples),
        ),
        "predict_multi_step_variable": Signature(
            {
                "frames": video(longest),
                "num_frames": Field((), tf.int64, f"{least} to {longest}"),
            }
            | actions(longest - 1 + s.horizon),
            function=predict_variable,
            check=lambda inputs: checked_padded(inputs, least),
            **from_start(longest + s.horizon),
        ),
        "encode": Signature(
            frames | actions(conditioning - 1), function=encode, **from_start(conditioning)
        ),
        "observe": Signature(
            without(model.unread_by_observe) | {"frame": frame} | action,
            function=observe,
            **at_frame,
        ),
        "predict_single_step": Signature(
            without(model.unread_by_predict) | action, function=predict_single_step, **at_frame
        ),
        "predict_image_bytes": Signature(
            {"image_bytes": Field((conditioning,), tf.string, "PNG or JPEG images, any size")}
            | actions(intervals),
            function=predict_image_bytes,
            check=decoded,
            **whole,
        ),
    }


def _state_fields(model: VideoModel) -> dict[str, Field]:
    """Name -> `Field` of what `VideoModel.encode_state` gives."""
    c, intervals = model.config, model.config.nt_inf - 1
    frames = tf.zeros([1, c.nt_inf, c.frame_size, c.frame_size, c.channels])
    noise_y, noise_z = tf.zeros([1, c.first_noise_size]), tf.zeros([1, intervals, c.noise_size])
    given = {"actions": tf.zeros([1, intervals, c.action_size])} if c.action_size else {}
    return {
        name: Field(
            tuple(x.shape[1:]),
            x.dtype,
            "[-1, 1]" if name.startswith(model.bounded_state) else "finite",
        )
        for name, x in model.encode_state(frames, noise_y, noise_z, **given).items()
    }
