"""What `python -m export.client` does: predict, stream, and print a model's metadata."""

import itertools
import time
from pathlib import Path

import numpy as np
from absl import flags

from export.client.connection import Client
from export.client.served_signatures import DEFAULT_SIGNATURE, ModelMetadata, TensorSpec
from export.client.stream import ENCODE
from srvp_tf.config.corpora import fit_frames, iterate_frames, read_actions
from srvp_tf.errors import UserError

_NOT_FOR = {  # flag -> the actions that it would mean nothing to
    "signature": ("stream",),
    "num_samples": ("stream",),
    "observe": ("predict",),
    "horizon": ("predict",),
}
_SAMPLES_SIGNATURE = "predict_samples"
_MOST_TRUTH = 100  # frames after the given ones that are shown beside the prediction


def check_flags(action: str, flag_values: flags.FlagValues) -> None:
    """Raise `UserError` if flags are missing for an action, or mean nothing to it."""
    if action != "metadata" and not flag_values.input:
        raise UserError("--input is missing: name a video, a GIF, an .npz or a folder of images")
    for name, others in _NOT_FOR.items():
        if action in others and flag_values[name].present:
            raise UserError(f"--{name} is not for {action}: leave it out")


def predict(client: Client, flag_values: flags.FlagValues) -> None:
    """Send the first frames of the input, write the futures that come back."""
    name = flag_values.signature or (
        DEFAULT_SIGNATURE if flag_values.num_samples == 1 else _SAMPLES_SIGNATURE
    )
    metadata = client.metadata()
    spec = _frames_spec(metadata, name)
    frames = _read(flag_values, spec, num_more=_MOST_TRUTH)
    num_given = spec.shape[1]
    plan = _plan(flag_values)
    inputs = metadata.signature(name).inputs
    if plan is not None and name == _SAMPLES_SIGNATURE and "actions" in inputs:
        plan = np.repeat(plan[None], inputs["actions"].shape[1], axis=0)
    start = time.perf_counter()
    predicted = client.forecast(frames[:num_given], flag_values.seed, name, plan)
    seconds = time.perf_counter() - start
    samples = predicted if predicted.ndim == 5 else predicted[None]
    wanted = flag_values.num_samples
    if flag_values.signature and not flag_values["num_samples"].present:
        wanted = len(samples)
    if len(samples) < wanted:
        raise UserError(
            f"--num_samples={wanted}: signature {name!r} draws {len(samples)}; "
            "ask for fewer, or export with more"
        )
    samples = samples[:wanted]
    _write(flag_values.output, frames, num_given, samples)
    print(
        f"wrote {flag_values.output}: {len(samples)} x {samples.shape[1]} frames after {num_given},"
        f" answered in {1000 * seconds:.0f} ms"
    )


def stream(client: Client, flag_values: flags.FlagValues) -> None:
    """Encode the first frames once, observe and predict frame by frame, write what came."""
    spec = _frames_spec(client.metadata(), ENCODE)
    num_given = spec.shape[1] + flag_values.observe
    frames = _read(flag_values, spec, flag_values.observe, flag_values.horizon)
    past, rows = None, itertools.repeat(None)
    if (plan := _plan(flag_values)) is not None:
        intervals = num_given - 1 + flag_values.horizon
        if len(plan) != intervals:
            raise UserError(
                f"--actions={flag_values.actions} has {len(plan)} rows, the {intervals + 1} frames "
                f"have {intervals} intervals"
            )
        past, rows = plan[: spec.shape[1] - 1], iter(plan[spec.shape[1] - 1 :])
    state = client.stream(frames[: spec.shape[1]], flag_values.seed, past)
    for frame in frames[spec.shape[1] : num_given]:
        state.observe(frame, next(rows))
    steps, start = [], time.perf_counter()
    for _ in range(flag_values.horizon):
        steps.append(state.step(next(rows)))
    seconds = (time.perf_counter() - start) / flag_values.horizon
    # r > 1 frames per step come as [r, H, W, C].
    predicted = np.stack(steps) if steps[0].ndim == 3 else np.concatenate(steps)
    _write(flag_values.output, frames, num_given, predicted[None])
    print(
        f"wrote {flag_values.output}: {len(predicted)} frames after {num_given}, "
        f"{1000 * seconds:.1f} ms a step"
    )


def print_metadata(client: Client, flag_values: flags.FlagValues) -> None:
    """Print what the model takes and gives."""
    metadata = client.metadata()
    print(f"{metadata.name} version {metadata.version} at {flag_values.server}")
    for name, signature in sorted(metadata.signatures.items()):
        print(f"\n{name}")
        for title, tensors in (("takes", signature.inputs), ("gives", signature.outputs)):
            for key, spec in sorted(tensors.items()):
                print(f"    {title} {key:24} {spec}")


def _plan(flag_values: flags.FlagValues) -> np.ndarray | None:
    return read_actions(flag_values.actions) if flag_values.actions else None


def _frames_spec(metadata: ModelMetadata, name: str) -> TensorSpec:
    inputs = metadata.signature(name).inputs
    if "frames" not in inputs:
        raise UserError(f"signature {name!r} takes {', '.join(sorted(inputs))}, and no frames")
    return inputs["frames"]


def _read(
    flag_values: flags.FlagValues, spec: TensorSpec, num_needed: int = 0, num_more: int = 0
) -> np.ndarray:
    """uint8 frames as the model takes them: T + num_needed, and up to num_more after them."""
    first, least = flag_values.first_frame, spec.shape[1] + num_needed
    most = first + least + num_more
    size, channels = spec.shape[2], spec.shape[4]
    # Fitted at once: many large frames would not fit into memory.
    frames = [
        fit_frames(frame[np.newaxis], size, channels)[0]
        for frame in itertools.islice(iterate_frames(flag_values.input, most), first, most)
    ]
    if len(frames) < least:
        raise UserError(
            f"--input={flag_values.input} has {len(frames)} frames from --first_frame={first} on; "
            f"{least} are needed"
        )
    return np.stack(frames)


def _write(output: str, frames: np.ndarray, num_given: int, samples: np.ndarray) -> None:
    from srvp_tf.forecasting.generation import Futures, write_futures
    from srvp_tf.video import to_uint8

    truth = frames[num_given : num_given + samples.shape[1]]
    write_futures(Path(output), Futures(frames[:num_given], truth, to_uint8(samples), 1))
