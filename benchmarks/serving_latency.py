"""Time to predictions: the Keras model's own call, and the runtimes of what is exported.

"First frame" starts at the observed frames: `forecast` of one frame in Keras, `encode` and
`predict_single_step` elsewhere. The price of single steps is that of one `predict_single_step` over
one more frame of `predict_multi_step`.
"""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import serving_runtimes
from benchmarks.measure import Timing, interleave, table
from benchmarks.settings import clips_of, config_of, model_of
from export.signatures.seeded_noise import draw_from_start
from export.writers.settings import ExportSettings

BATCHES = (1, 8)
HORIZON = 30
KERAS = "Keras call"
HEADER = (
    "latency",
    "runtime",
    "first frame, ms",
    "over Keras",
    "by CPU",
    "further frame, ms",
    f"{HORIZON} frames, ms",
    "over Keras",
    "by CPU",
    "frames/s",
    "single step, ms",
    "its price",
    "by CPU",
    "differs by",
)


def latency_table(settings, rounds):
    """Markdown: every setting, batch and runtime; ratios of times, less is better."""
    return table(HEADER, [row for setting in settings for row in _rows(setting, rounds)])


def _rows(setting, rounds):
    config = config_of(setting)
    model = model_of(config.model, "ours, frozen")
    count, steps = config.data.nt_cond, config.model.euler_steps
    settings = ExportSettings(count, count, HORIZON, 1, steps, frames_per_step=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        serving_runtimes.write_saved_models(folder, model, settings)
        for batch in BATCHES:
            frames = clips_of(config.model, batch, count).astype(np.float32) / 255.0
            runtimes = _runtimes(folder, model, settings, frames)
            yield from _batch_rows(f"{setting}, {batch} after {count}", runtimes, batch, rounds)


def _runtimes(folder, model, settings, frames):
    """Name -> `Calls`."""
    seed = tf.zeros(len(frames), tf.int64)
    num_frames = settings.conditioning_frames + settings.horizon
    noise = draw_from_start(model.config, seed, num_frames)
    noise = {name: value.numpy() for name, value in noise.items()}
    file = folder / f"{len(frames)}.tflite"
    serving_runtimes.convert_tflite(file, model, settings, len(frames))
    return {
        KERAS: serving_runtimes.keras_calls(model, settings, frames),
        "SavedModel": serving_runtimes.saved_model_calls(folder, settings, frames),
        "TFLite": serving_runtimes.tflite_calls(file, noise, frames),
        "OpenVINO": serving_runtimes.openvino_calls(folder, noise, frames),
    }


def _batch_rows(label, runtimes, batch, rounds):
    functions = {}
    for name, calls in runtimes.items():
        functions[name, "first"] = _first(calls)
        functions[name, "predict"] = calls.predict
        if name != KERAS:
            functions[name, "step"] = _step(calls)
    timings = interleave(functions, rounds)
    expected = runtimes[KERAS].predict()
    for name, calls in runtimes.items():
        first, predict = timings[name, "first"], timings[name, "predict"]
        further = Timing(*(long - short for long, short in zip(predict, first, strict=True)))
        further /= HORIZON - 1
        single = ["", "", ""]
        if step := timings.get((name, "step")):
            single = [f"{1e3 * step.wall:.1f}", *_ratios(step, further)]
        yield [
            label,
            name,
            f"{1e3 * first.wall:.1f}",
            *_ratios(first, timings[KERAS, "first"]),
            f"{1e3 * further.wall:.1f}",
            f"{1e3 * predict.wall:.0f}",
            *_ratios(predict, timings[KERAS, "predict"]),
            f"{batch * HORIZON / predict.wall:.0f}",
            *single,
            f"{np.abs(calls.predict() - expected).max():.0e}",
        ]


def _ratios(timing, other):
    return [f"{timing.wall / other.wall:.2f}", f"{timing.cpu / other.cpu:.2f}"]


def _first(calls):
    return lambda: calls.step(calls.encode())


def _step(calls):
    state = calls.encode()
    return lambda: calls.step(state)
