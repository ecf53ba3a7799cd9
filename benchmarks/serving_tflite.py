"""What TFLite's quantisations cost: quality, size and time, beside the Keras model.

All predict the test videos of a run from the same noise, one video per call. Of untrained networks
only size, time and the difference from Keras mean something.
"""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.measure import interleave, table
from benchmarks.serving_runtimes import convert_tflite, keras_calls, tflite_calls
from benchmarks.settings import config_of, model_of
from export.signatures.seeded_noise import draw_from_start
from export.tflite import QUANTIZATIONS
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from srvp_tf.metrics.frame_metrics import psnr
from srvp_tf.runs.run_folder import RunFolder, load_model

NUM_VIDEOS = 8
KERAS = "Keras call"
HEADER = (
    "TFLite, one video",
    "weights",
    "MB",
    "differs by",
    "PSNR, dB",
    "loss, dB",
    "PSNR against Keras, dB",
    "ms",
    "over Keras",
    "by CPU",
)


def tflite_table(settings, run_dirs, rounds):
    """Markdown: every run, untrained setting and quantisation; ratios of times, less is better."""
    models = [(Path(path).name, RunFolder(path).config(), load_model(path)) for path in run_dirs]
    for setting in settings:
        config = config_of(setting)
        models.append((f"{setting}, untrained", config, model_of(config.model)))
    return table(HEADER, [row for model in models for row in _rows(*model, rounds)])


def _rows(name, config, model, rounds):
    frozen = model.frozen()
    data, steps = config.data, config.model.euler_steps
    count, horizon = data.nt_cond, data.test_length - data.nt_cond
    settings = ExportSettings(count, count, horizon, 1, steps, frames_per_step=1)
    videos = real_frames(config, NUM_VIDEOS, data.test_length)[0].astype(np.float32) / 255.0
    noise = draw_from_start(config.model, tf.zeros(1, tf.int64), data.test_length)
    noise = {key: value.numpy() for key, value in noise.items()}
    calls, sizes = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for quantize in QUANTIZATIONS:
            file = convert_tflite(Path(folder, quantize), frozen, settings, 1, quantize)
            sizes[quantize] = f"{file.stat().st_size / 1e6:.1f}"
            calls[quantize] = [tflite_calls(file, noise, x[None, :count]) for x in videos]
    calls[KERAS] = [keras_calls(frozen, settings, x[None, :count]) for x in videos]
    timings = interleave({key: x[0].predict for key, x in calls.items()}, rounds)
    predicted = {key: np.concatenate([c.predict() for c in x]) for key, x in calls.items()}
    truth, expected = videos[:, count:], predicted[KERAS]
    best = _psnr(truth, expected)
    label = f"{name}: {config.model.family}, {count} + {horizon}"
    for key in (KERAS, *QUANTIZATIONS):
        yield [
            label,
            {KERAS: KERAS, "none": "float32"}.get(key, key),
            sizes.get(key, ""),
            f"{np.abs(predicted[key] - expected).max():.0e}",
            f"{_psnr(truth, predicted[key]):.2f}",
            f"{best - _psnr(truth, predicted[key]):.3f}",
            "" if key == KERAS else f"{_psnr(expected, predicted[key]):.0f}",
            f"{1e3 * timings[key].wall:.0f}",
            f"{timings[key].wall / timings[KERAS].wall:.2f}",
            f"{timings[key].cpu / timings[KERAS].cpu:.2f}",
        ]


def _psnr(target, prediction):
    return float(tf.reduce_mean(psnr(tf.constant(target), tf.constant(prediction))))
