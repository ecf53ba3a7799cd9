"""Compares what was written, read from disk again, with the Keras model."""

import io
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from export import prediction
from export.seeded_noise import draw_at_frame, draw_from_start
from export.signatures import MULTI_STEP, state_tensors
from srvp_tf.errors import UserError
from srvp_tf.noise import ForecastNoise

FLOAT32_TOLERANCE = 1e-5
"""Largest difference allowed, in parts of a tensor's range."""

_SEEDS = (7, -(2**40) - 3, 0, 11)


class Case(NamedTuple):
    """What a signature is asked, and what the Keras model answers.

    tensors: name -> array of all inputs, addresses and noise of a `Signature`.
    expected: name -> array of outputs.
    """

    tensors: dict
    expected: dict


def reference_cases(model, settings, frames):
    """Signature name -> `Case`, answered by `SRVP` itself.

    Args:
        model: the `SRVP` that was exported.
        settings: its `ExportSettings`.
        frames: real videos uint8 [B, T, H, W, C], of `frames_needed(settings)` frames.
    """
    c, s, count = model.config, settings, settings.conditioning_frames
    seed = np.resize(np.array(_SEEDS, np.int64), len(frames))
    pixels, frames = frames, frames.astype(np.float32) / 255.0
    observed = frames[:, :count]

    def forecast(frames, seed):
        sampling = s.horizon, s.num_samples, tf.constant(seed), s.euler_steps, s.frames_per_step
        return model.forecast(frames, *sampling, video_ids=np.zeros(len(frames), int)).numpy()

    def encoded(num_frames):
        noise = draw_from_start(c, seed, num_frames)
        return state_tensors(prediction.encode(model, frames[:, :num_frames], **noise))

    def from_start(num_frames, num_samples=None):
        return {"seed": seed, **draw_from_start(c, seed, num_frames, num_samples)}

    frame_index = np.full(len(frames), count, np.int64)
    at_frame = {"seed": seed, "frame_index": frame_index, **draw_at_frame(c, seed, frame_index)}
    whole = from_start(count + s.horizon)
    futures = forecast(observed, seed)
    before, after = encoded(count), encoded(count + 1)
    after = {f"next_{name}": value for name, value in after.items()}
    single = {"next_y": _next_states(model, s, observed, seed)}
    single["predicted_frames"] = futures[:, 0, : s.frames_per_step]
    longest = s.max_conditioning_frames
    lengths = np.resize(np.array([longest, c.nt_inf], np.int64), len(frames))
    alone = zip(frames[:, None], lengths, seed[:, None], strict=True)
    variable = np.concatenate([forecast(video[:, :n], seed)[:, 0] for video, n, seed in alone])
    # What follows the frames that count must have no influence.
    padded = frames[:, :longest].copy()
    for video, length in zip(padded, lengths, strict=True):
        video[length:] = np.nan
    images = [[_png(frame) for frame in video[:count]] for video in pixels]
    multi_step = {"predicted_frames": futures[:, 0]}
    return {
        MULTI_STEP: Case({"frames": observed, **whole}, multi_step),
        "predict_samples": Case(
            {"frames": observed, **from_start(count + s.horizon, s.num_samples)},
            {"predicted_frames": futures},
        ),
        "predict_multi_step_variable": Case(
            {"frames": padded, "num_frames": lengths, **from_start(longest + s.horizon)},
            {"predicted_frames": variable},
        ),
        "encode": Case({"frames": observed, **from_start(count)}, before),
        "observe": Case({**before, "frame": frames[:, count], **at_frame}, after),
        "predict_single_step": Case({**before, **at_frame}, single),
        "predict_image_bytes": Case(
            {"image_bytes": np.array(images, object), **whole},
            {"predicted_image_bytes": futures[:, 0]},
        ),
    }


def frames_needed(settings):
    """How many frames the videos of `reference_cases` have."""
    return max(settings.conditioning_frames + 1, settings.max_conditioning_frames)


def check(call, cases, tolerance=FLOAT32_TOLERANCE, norm=np.max):
    """Signature name -> difference, in parts of a tensor's range (1 or its maximum).

    Args:
        call: signature name and name -> array to name -> array of outputs; it takes what it needs.
        cases: signature name -> `Case`, of the signatures to compare.
        tolerance: the difference allowed.
        norm: of the differences of a tensor's elements: their largest, or `root_mean_square`.

    Raises:
        UserError: a signature differs by more than that, or calls a real video invalid.
    """
    found = {}
    for name, case in cases.items():
        outputs = call(name, case.tensors)
        if not np.all(outputs["valid"]):
            raise UserError(f"parity: {name} calls a real video invalid; nothing was exported")
        differences = [
            _difference(outputs[key], value, norm) for key, value in case.expected.items()
        ]
        found[name] = float(np.max(differences))  # NaN if one is
        if not found[name] <= tolerance:
            raise UserError(
                f"parity: {name} differs from the Keras model by {found[name]:.2g} of the range, "
                f"allowed are {tolerance:g}: nothing was exported (a shorter --horizon may do, or "
                "another --tolerance)"
            )
    return found


def _next_states(model, settings, frames, seed):
    """y after the first predicted interval [B, ny], by `SRVP.sample_paths`."""
    num_frames = settings.conditioning_frames + settings.horizon
    noise = ForecastNoise(*draw_from_start(model.config, seed, num_frames, 1).values())
    inferred = model.infer(model.encode(frames))
    return model.sample_paths(inferred, noise, settings.euler_steps).future[:, 0, 0]


def root_mean_square(differences):
    """For quantised models: 10^(-p / 20) is a PSNR of p dB."""
    return np.sqrt(np.mean(np.square(differences)))


def _difference(found, expected, norm):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.dtype == object:  # k in a PNG stands for [k, k + 1) / 255
        k = np.array([[_pixels(image) for image in video] for video in found], np.float64)
        k = k.reshape(expected.shape)
        outside = np.maximum(k / 255 - expected, expected - (k + 1) / 255)
        return max(float(outside.max()), 0.0)
    assert found.shape == expected.shape, f"{found.shape} for {expected.shape}"
    return float(norm(np.abs(found - expected)) / max(1.0, np.abs(expected).max()))


def _png(frame):
    file = io.BytesIO()
    Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).save(file, "PNG")
    return file.getvalue()


def _pixels(image):
    return np.asarray(Image.open(io.BytesIO(image)))
