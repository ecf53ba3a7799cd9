"""Judges what was written, read from disk again, by what float64 says.

A recurrent model amplifies rounding from frame to frame, by factors of its own. The float32 Keras
model shows how far rounding alone leads; an export may be a few times further from the same model
in float64, and no more. How far one video is led is chance: the typical video is judged, which is
the geometric mean over all of them, and the worst one by a wider bound.
"""

import functools
from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from export.signatures.build import MULTI_STEP
from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from export.writers.settings import ExportSettings
from srvp_tf.config.registries import MODELS
from srvp_tf.errors import UserError
from srvp_tf.models.video_model import VideoModel

SignatureCaller = Callable[[str, dict], dict[str, np.ndarray]]
"""Signature name and name -> array of inputs, of which it takes what it needs, to outputs."""

_SEEDS = (7, -(2**40) - 3, 0, 11, -1, 2**62, 13, 1)

NUM_VIDEOS = len(_SEEDS)
"""Videos to compare, or more: two right programs whose rounding differs stay below a factor of 3
with 8 of them, of 9 with one."""

FLOOR = 1e-6
"""Errors below count as this, in parts of a tensor's range."""


def largest(errors: np.ndarray) -> np.ndarray:
    """Of the errors [..., pixels] of a frame or tensor."""
    return np.max(errors, axis=-1)


def root_mean_square(errors: np.ndarray) -> np.ndarray:
    """For quantised models: 10^(-p / 20) is a PSNR of p dB."""
    return np.sqrt(np.mean(np.square(errors), axis=-1))


class Bound(NamedTuple):
    """What is allowed of an export, frame by frame; of states, tensor by tensor.

    factor: the error of the typical video, in terms of that of the float32 Keras model up to there.
    most: what tells broken from rounded, in parts of a tensor's range. A single video may have more
        only where Keras has too, within the same factor.
    norm: errors [..., pixels] to [...].
    remedy: what a user may try.
    """

    factor: float
    most: float
    norm: Callable[[np.ndarray], np.ndarray] = largest
    remedy: str = "a shorter --horizon may do"


FLOAT32 = Bound(4, 1e-2)

_COARSER = "a shorter --horizon or a finer --quantize may do"
BOUNDS = {
    "none": FLOAT32,
    # What Keras errs in float32, in terms of the coarser format's epsilon.
    "float16": Bound(2**13, 2e-2, root_mean_square, _COARSER),
    "dynamic_int8": Bound(2**16, 0.1, root_mean_square, _COARSER),
}
"""--quantize of `export.tflite` -> `Bound`."""


class Case(NamedTuple):
    """What a signature is asked, and what the Keras model answers.

    tensors: name -> array of all inputs, addresses and noise of a `Signature`.
    expected: name -> array of outputs, in float32.
    exact: the same in float64.
    """

    tensors: dict
    expected: dict
    exact: dict


class Errors(NamedTuple):
    """Errors in a signature's frame, or state tensor, that is nearest to its bound.

    export, keras: of the typical video, against float64, in parts of the range.
    worst: of the export in its worst video.
    """

    export: float
    keras: float
    worst: float

    def __str__(self):
        return (
            f"{self.export:.1e} from float64, Keras {self.keras:.1e} (worst video {self.worst:.1e})"
        )


def reference_cases(
    model: VideoModel,
    settings: ExportSettings,
    frames: np.ndarray,
    names: Collection[str] | None = None,
) -> dict[str, Case]:
    """Signature name -> `Case`, answered by the model itself in float32 and in float64.

    Args:
        model, settings: what was exported.
        frames: real videos uint8 [B, T, H, W, C], of `frames_needed(settings)` frames.
        names: of the signatures that are asked; None: all.
    """
    c, s, count = model.config, settings, settings.conditioning_frames
    seed = np.resize(np.array(_SEEDS, np.int64), len(frames))
    pixels, frames = frames, frames.astype(np.float32) / 255.0
    exact = MODELS[c.model](c, precision="float64")
    exact.set_weights(model.get_weights())
    longest = s.max_conditioning_frames
    lengths = np.resize(np.array([longest, c.nt_inf], np.int64), len(frames))
    plans = _plans(model, len(frames), s)
    answers = [_answers(m, s, frames, seed, lengths, plans) for m in (model, exact)]

    def from_start(num_frames: int, num_samples: int | None = None) -> dict:
        return {"seed": seed, **draw_from_start(c, seed, num_frames, num_samples)}

    frame_index = np.full(len(frames), count, np.int64)
    at_frame = {"seed": seed, "frame_index": frame_index, **draw_at_frame(c, seed, frame_index)}
    whole = from_start(count + s.horizon)
    observed = frames[:, :count]
    # What follows the frames that count must have no influence.
    padded = frames[:, :longest].copy()
    for video, length in zip(padded, lengths, strict=True):
        video[length:] = np.nan

    def images():
        return tf.io.encode_png(pixels[:, :count]).numpy()

    def actions(num_intervals: int) -> dict:  # of the first plan
        given = plans if num_intervals else {}
        return {name: x[:, 0, :num_intervals] for name, x in given.items()}

    plan = actions(count - 1 + s.horizon)
    of_samples = {name: x[:, :, : count - 1 + s.horizon] for name, x in plans.items()}
    action = {"action": plans["actions"][:, 0, count - 1]} if plans else {}
    before = answers[0]["encode"]
    tensors = {
        MULTI_STEP: lambda: {"frames": observed, **plan, **whole},
        "predict_samples": lambda: {
            "frames": observed,
            **of_samples,
            **from_start(count + s.horizon, s.num_samples),
        },
        "predict_multi_step_variable": lambda: {
            "frames": padded,
            "num_frames": lengths,
            **actions(longest - 1 + s.horizon),
            **from_start(longest + s.horizon),
        },
        "encode": lambda: {"frames": observed, **actions(count - 1), **from_start(count)},
        "observe": lambda: {**before(), "frame": frames[:, count], **action, **at_frame},
        "predict_single_step": lambda: {**before(), **action, **at_frame},
        "predict_image_bytes": lambda: {"image_bytes": images(), **plan, **whole},
    }
    names = tensors if names is None else names
    return {name: Case(tensors[name](), *(a[name]() for a in answers)) for name in names}


def _plans(model: VideoModel, count: int, settings: ExportSettings) -> dict[str, np.ndarray]:
    """{"actions": S plans of each video with one past [B, S, I, A]}, {} for a model without.

    They are random, as wide as those that the model has learned from.
    """
    if not model.config.action_size:
        return {}
    s, rng = settings, np.random.default_rng(_SEEDS[0])
    past, intervals = s.conditioning_frames - 1, s.max_conditioning_frames + s.horizon
    plans = rng.normal(
        model.action_mean,
        model.action_scale,
        (count, s.num_samples, intervals, model.config.action_size),
    )
    plans[:, :, :past] = plans[:, :1, :past]
    return {"actions": plans.astype(np.float32)}


def _answers(
    model: VideoModel,
    settings: ExportSettings,
    frames: np.ndarray,
    seed: np.ndarray,
    lengths: np.ndarray,
    plans: dict[str, np.ndarray],
) -> dict[str, Callable[[], dict[str, np.ndarray]]]:
    """Signature name -> a function that computes its outputs, name -> array.

    They are those for float32 videos, in the model's precision.
    """
    s, count = settings, settings.conditioning_frames

    @functools.cache
    def forecast(num_frames: int) -> np.ndarray:
        sampling = s.horizon, s.num_samples, tf.constant(seed), s.euler_steps, s.frames_per_step
        ids = np.zeros(len(frames), int)
        given = {name: x[:, :, : num_frames - 1 + s.horizon] for name, x in plans.items()}
        if num_frames != count:  # the plans have one past up to there alone
            given = {name: x[:, 0] for name, x in given.items()}
        return model.forecast(frames[:, :num_frames], *sampling, video_ids=ids, **given).numpy()

    def in_dtype(tensors: dict) -> dict[str, tf.Tensor]:
        return {name: tf.cast(x, model.dtype) for name, x in tensors.items()}

    @functools.cache
    def encoded(num_frames: int) -> dict[str, np.ndarray]:
        given = in_dtype(draw_from_start(model.config, seed, num_frames))
        given |= {name: tf.constant(x[:, 0, : num_frames - 1]) for name, x in plans.items()}
        state = model.encode_state(tf.cast(frames[:, :num_frames], model.dtype), **given)
        return {name: x.numpy() for name, x in state.items()}

    def variable():
        return np.stack([forecast(n)[i, 0] for i, n in enumerate(lengths)])

    def single_step():
        noise = in_dtype(draw_at_frame(model.config, seed, np.full(len(frames), count, np.int64)))
        eps = noise["noise_z"][:, None]
        given = {name: tf.constant(x[:, 0, count - 1 : count]) for name, x in plans.items()}
        sampling = s.euler_steps, s.frames_per_step
        after, _ = model.predict_from_state(encoded(count), eps, *sampling, **given)
        changed = {f"next_{name}": x.numpy() for name, x in after.items()}
        return changed | {"predicted_frames": forecast(count)[:, 0, : s.frames_per_step]}

    return {
        MULTI_STEP: lambda: {"predicted_frames": forecast(count)[:, 0]},
        "predict_samples": lambda: {"predicted_frames": forecast(count)},
        "predict_multi_step_variable": lambda: {"predicted_frames": variable()},
        "encode": lambda: encoded(count),
        "observe": lambda: {f"next_{name}": x for name, x in encoded(count + 1).items()},
        "predict_single_step": single_step,
        "predict_image_bytes": lambda: {"predicted_image_bytes": forecast(count)[:, 0]},
    }


def frames_needed(settings: ExportSettings) -> int:
    """How many frames the videos of `reference_cases` have."""
    return max(settings.conditioning_frames + 1, settings.max_conditioning_frames)


def check_parity(
    call: SignatureCaller, cases: dict[str, Case], bound: Bound = FLOAT32
) -> dict[str, Errors]:
    """Signature name -> `Errors`, which are printed.

    Args:
        call: what is judged.
        cases: signature name -> `Case`, of the signatures to compare.
        bound: what is allowed.

    Raises:
        UserError: a signature errs by more than that, or calls a real video invalid.
    """
    found = {}
    for name, case in cases.items():
        outputs = call(name, case.tensors)
        if not np.all(outputs.get("valid", True)):
            raise UserError(f"parity: {name} calls a real video invalid; nothing was exported")
        judged = [
            _judge(outputs[key], case.expected[key], exact, bound)
            for key, exact in case.exact.items()
        ]
        share, found[name] = max(judged, key=lambda pair: (not pair[0] <= 1, pair[0]))
        if not share <= 1:
            raise UserError(
                f"parity: {name} is {found[name]}, in parts of the range; allowed are "
                f"{bound.factor:g} times Keras', and {bound.most:g}: nothing was exported "
                f"({bound.remedy})"
            )
        print(f"{name:28} {found[name]}")
    return found


def _judge(
    found: np.ndarray, expected: np.ndarray, exact: np.ndarray, bound: Bound
) -> tuple[float, Errors]:
    """(Share of what is allowed that the worst frame takes, its `Errors`); NaN is the worst."""
    scale = max(1.0, np.abs(exact).max())
    is_video = exact.ndim >= 5  # [B, K, H, W, C] or, with samples, [B, S, K, H, W, C]
    shape = (-1, exact.shape[-4], np.prod(exact.shape[-3:])) if is_video else (len(exact), 1, -1)

    def by_video(errors: np.ndarray) -> np.ndarray:  # [videos, frames]; samples are videos too
        return np.maximum(bound.norm(np.reshape(errors / scale, shape)), FLOOR)

    ours = by_video(_beyond(np.asarray(found), exact))
    # Keras may be lucky in a frame: what it lost before stays lost.
    theirs = np.maximum.accumulate(by_video(np.abs(expected - exact)), axis=1)
    export, keras = (np.exp(np.mean(np.log(errors), axis=0)) for errors in (ours, theirs))
    worst = ours.max(axis=0)
    share = np.maximum(
        export / np.minimum(bound.most, bound.factor * keras),
        worst / np.maximum(bound.most, bound.factor * theirs.max(axis=0)),
    )
    frame = int(np.argmax(share))  # of NaNs the first
    return float(share[frame]), Errors(*(float(x[frame]) for x in (export, keras, worst)))


def _beyond(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """|found - exact|; k in a PNG stands for [k, k + 1) / 255."""
    if found.dtype == object:
        k = [tf.io.decode_png(image).numpy() for image in found.flat]
        k = np.reshape(k, exact.shape).astype(np.float64)
        return np.maximum(np.maximum(k / 255 - exact, exact - (k + 1) / 255), 0.0)
    assert found.shape == exact.shape, f"{found.shape} for {exact.shape}"
    return np.abs(found - exact)
