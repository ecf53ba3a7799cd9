"""Ask a served model: `python -m export.client predict --server=host:8500 --input=clip.mp4`.

    predict     the first frames of the input are sent at once; the futures come back
    stream      they are encoded once; then frames are observed and predicted one at a time
    metadata    what the model takes and gives

--server=host:8500 is gRPC, --server=http://host:8501 is REST. The library: `export.client.Client`.
"""

import itertools
import sys
import time
from pathlib import Path

import numpy as np
from absl import flags

from export.client_connection import Client
from export.client_errors import InvalidExampleError, ServerError
from export.client_signatures import DEFAULT_SIGNATURE, FRAMES, ModelMetadata, TensorSpec
from export.client_stream import ENCODE, Stream
from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

__all__ = ["Client", "InvalidExampleError", "ModelMetadata", "ServerError", "Stream"]

ACTIONS = ("predict", "stream", "metadata")
_SAMPLES_SIGNATURE = "predict_samples"
_NOT_FOR = {  # flag -> the actions that it would mean nothing to
    "signature": ("stream",),
    "num_samples": ("stream",),
    "observe": ("predict",),
    "horizon": ("predict",),
}


def define_flags(flag_values):
    """The flags of this command."""

    def text(name, default, help):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def number(name, default, help, least=0):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    text("server", "localhost:8500", "host:port for gRPC, http://host:port for REST")
    text("model", "srvp", "name of the model on the server")
    number("version", None, "version of the model; by default the newest one")
    text("label", None, "label of a version, such as stable")
    flags.DEFINE_float("timeout", 60.0, "seconds for each call", flag_values=flag_values)
    flags.DEFINE_bool("rows", False, "REST in row form (instances)", flag_values=flag_values)
    define_path("input", None, "video, GIF, .npz, or folder of images", flag_values)
    define_path(
        "output", "future.gif", "file to write: .gif, .mp4, .webm, .png or .npz", flag_values
    )
    text("signature", None, "predict: which one; by default that for the number of samples")
    number("num_samples", 1, "predict: futures to draw, by default 1 or all of --signature", 1)
    number("seed", 0, "seed of the futures")
    number("first_frame", 0, "frame of the input to begin at, from 0")
    number("observe", 0, "stream: frames of the input to observe one at a time before predicting")
    number("horizon", 10, "stream: frames to predict", 1)


def main(flag_values, action):
    """Carry out one of `ACTIONS`."""
    if action != "metadata" and not flag_values.input:
        raise UserError("--input is missing: name a video, a GIF, an .npz or a folder of images")
    for name, others in _NOT_FOR.items():
        if action in others and flag_values[name].present:
            raise UserError(f"--{name} is not for {action}: leave it out")
    _check_output(flag_values.output)
    # Quietly, for gRPC's messages and for reading videos.
    start_tensorflow(deterministic=False)
    with Client(
        flag_values.server,
        flag_values.model,
        flag_values.version,
        flag_values.label,
        flag_values.timeout,
        flag_values.rows,
    ) as client:
        {"predict": _predict, "stream": _stream, "metadata": _print_metadata}[action](
            client, flag_values
        )


_MOST_TRUTH = 100  # frames after the given ones that are shown beside the prediction


def _predict(client, flag_values):
    name = flag_values.signature or (
        DEFAULT_SIGNATURE if flag_values.num_samples == 1 else _SAMPLES_SIGNATURE
    )
    spec = _frames_spec(client.metadata(), name)
    frames = _read(flag_values, spec, num_more=_MOST_TRUTH)
    num_given = spec.shape[1]
    start = time.perf_counter()
    predicted = client.forecast(frames[:num_given], flag_values.seed, name)
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


def _stream(client, flag_values):
    spec = _frames_spec(client.metadata(), ENCODE)
    num_given = spec.shape[1] + flag_values.observe
    frames = _read(flag_values, spec, flag_values.observe, flag_values.horizon)
    stream = client.stream(frames[: spec.shape[1]], flag_values.seed)
    for frame in frames[spec.shape[1] : num_given]:
        stream.observe(frame)
    steps, start = [], time.perf_counter()
    for _ in range(flag_values.horizon):
        steps.append(stream.step())
    seconds = (time.perf_counter() - start) / flag_values.horizon
    # r > 1 frames per step come as [r, H, W, C].
    predicted = np.stack(steps) if steps[0].ndim == 3 else np.concatenate(steps)
    _write(flag_values.output, frames, num_given, predicted[None])
    print(
        f"wrote {flag_values.output}: {len(predicted)} frames after {num_given}, "
        f"{1000 * seconds:.1f} ms a step"
    )


def _print_metadata(client, flag_values):
    metadata = client.metadata()
    print(f"{metadata.name} version {metadata.version} at {flag_values.server}")
    for name, signature in sorted(metadata.signatures.items()):
        print(f"\n{name}")
        for title, tensors in (("takes", signature.inputs), ("gives", signature.outputs)):
            for key, spec in sorted(tensors.items()):
                print(f"    {title} {key:24} {spec}")


def _frames_spec(metadata: ModelMetadata, name: str) -> TensorSpec:
    inputs = metadata.signature(name).inputs
    if FRAMES not in inputs:
        raise UserError(f"signature {name!r} takes {', '.join(sorted(inputs))}, and no {FRAMES}")
    return inputs[FRAMES]


def _read(flag_values, spec: TensorSpec, num_needed: int = 0, num_more: int = 0) -> np.ndarray:
    """uint8 frames as the model takes them: T + num_needed, and up to num_more after them."""
    from data_pipelines.resizing import fit_frames
    from data_pipelines.video_files import iterate_frames

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


def _check_output(output: str) -> None:
    """Find out before the work whether its result can be written."""
    from srvp_tf.video.files import SUFFIXES

    if Path(output).suffix.lower() not in SUFFIXES:
        raise UserError(f"--output={output}: unknown format; use one of {', '.join(SUFFIXES)}")
    if Path(output).is_dir():
        raise UserError(f"--output={output} is a folder: name a file in it")


def _write(output: str, frames: np.ndarray, num_given: int, samples: np.ndarray) -> None:
    from srvp_tf.forecasting.generation import Futures, write
    from srvp_tf.video import to_uint8

    truth = frames[num_given : num_given + samples.shape[1]]
    write(Path(output), Futures(frames[:num_given], truth, to_uint8(samples), 1))


def run(argv=None):
    """Take the action off the command line, parse the rest, and exit."""
    ends_process = argv is None
    argv, values = list(sys.argv if argv is None else argv), flags.FlagValues()
    define_flags(values)
    action = argv.pop(1) if len(argv) > 1 and not argv[1].startswith("-") else None

    def chosen(flag_values):
        if action not in ACTIONS:
            raise UserError(f"say what to do: {', '.join(ACTIONS)}, before all flags")
        main(flag_values, action)

    command.run(chosen, argv, values, ends_process=ends_process)


if __name__ == "__main__":
    run()
