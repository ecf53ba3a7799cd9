"""Writes the folder of a page: its model, compared with the Keras model, and all that shows it."""

import dataclasses
import importlib.resources
from pathlib import Path

import numpy as np

from data_pipelines.moving_mnist.digits import load_embedded
from export import parity
from export.signatures.build import build_signatures
from export.web_page import composition, runtime, signatures
from export.writers import metadata, source_run, tflite
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from export.writers.source_run import SourceRun
from srvp_tf._version import __version__
from srvp_tf.config import Config
from srvp_tf.gallery_page.page import load_template

PAGE, MODEL, METADATA = "index.html", "model.tflite", "model.json"
EXAMPLES, DIGITS = "examples.bin", "digits.bin"
MAX_FUTURES, MAX_RATE = 7, 8  # with what happened, two whole rows; 7 is within a call's 8
_NUM_EXAMPLES = 4
_RATE = 4  # frames per interval at which the model's sub-steps are compared
# Test digits of the package that look like 0 to 9, in this order, to be thrown.
_DIGITS = 43, 53, 57, 6, 107, 33, 26, 102, 22, 63


def export_page(
    run: SourceRun,
    settings: ExportSettings,
    folder: Path,
    quantize: str,
    title: str,
    litert: runtime.Runtime,
) -> dict[str, int]:
    """Write the page into an empty folder, and compare its model with the Keras model.

    Every text in it is escaped. Returns part of the page -> its size in bytes.
    """
    frames, corpus = _export_model(run, settings, folder, quantize)
    examples = frames[:_NUM_EXAMPLES]
    sizes = {"model": (folder / MODEL).stat().st_size, "LiteRT.js": runtime.copy(litert, folder)}
    data = page_data(run.config, settings, len(examples), litert.base)
    html = load_template("export.web_page", "index.html.jinja").render(
        title=title,
        run=run.folder.name,
        corpus=corpus,
        data=data,
        runtime=litert,
        licence=runtime.LICENCE,
        package=runtime.PACKAGE,
        runtime_megabytes=runtime.LOADED_MEGABYTES,
        model_megabytes=f"{sizes['model'] / 1e6:.1f}",
        version=__version__,
    )
    (folder / PAGE).write_text(html, encoding="utf-8")
    # The page looks like the gallery.
    static = importlib.resources.files("srvp_tf.gallery_page") / "static" / "style.css"
    for file in (static, *(importlib.resources.files("export.web_page") / "static").iterdir()):
        (folder / file.name).write_bytes(file.read_bytes())
    examples.tofile(folder / EXAMPLES)
    if data["digits"]:
        load_embedded().test[list(_DIGITS)].tofile(folder / DIGITS)
    whole = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return sizes | {"the rest": whole - sum(sizes.values())}


def page_data(config: Config, settings: ExportSettings, num_examples: int, base: str) -> dict:
    """What the scripts are told, as JSON; `base` is the address of LiteRT.js.

    Where the run was trained on moving digits, these can be thrown, to move as its corpus has them.
    """
    model, data = config.model, config.data
    digits = {
        "file": DIGITS,
        "numDigits": data.num_digits,
        "maxSpeed": data.max_speed,
        "deterministic": data.motion == "deterministic",
    }
    return {
        "model": MODEL,
        "wasm": base + "wasm/",
        "frameSize": model.frame_size,
        "channels": model.channels,
        "ny": model.ny,
        "nz": model.noise_size,
        "eulerSteps": model.euler_steps,
        "hasSubSteps": model.takes_euler_steps,
        "conditioningFrames": settings.conditioning_frames,
        "horizon": settings.horizon,
        "maxFutures": MAX_FUTURES,
        "maxRate": MAX_RATE if model.takes_euler_steps else 1,
        "examples": {"file": EXAMPLES, "count": num_examples},
        "digits": digits if data.dataset == "moving_mnist" else None,
        "corpus": data.dataset,
    }


def _export_model(
    run: SourceRun, settings: ExportSettings, folder: Path, quantize: str
) -> tuple[np.ndarray, str]:
    """Write the model; returns the videos of the comparison, and the name of their corpus."""
    model, origin = source_run.load_source(run)
    length = min(settings.conditioning_frames + settings.horizon, run.config.data.test_length)
    length = max(length, parity.frames_needed(settings))
    frames, corpus = real_frames(run.config, max(parity.NUM_VIDEOS, _NUM_EXAMPLES), length)
    parts = signatures.build_parts(model.frozen(), settings)
    content, functions = tflite.convert_signatures(parts, 1, quantize)
    file = folder / MODEL
    file.write_bytes(content)
    rates = [1, _RATE] if model.config.takes_euler_steps else [1]
    call, bound, errors = tflite.load_tflite(file), parity.BOUNDS[quantize], {}
    for finer in (_at_rate(settings, rate) for rate in rates):
        errors |= composition.check_composition(call, model, finer, frames, bound)
    described = build_signatures(model, settings) | parts
    told = settings, described, functions, corpus, bound, errors
    metadata.write_metadata(folder / METADATA, run.config, *told, source=origin, quantize=quantize)
    return frames, corpus


def _at_rate(settings: ExportSettings, rate: int) -> ExportSettings:
    """The settings at which the page draws `rate` frames an interval, in fewer intervals."""
    steps = -(-settings.euler_steps // rate) * rate
    horizon = -(-settings.horizon // rate)
    return dataclasses.replace(settings, euler_steps=steps, frames_per_step=rate, horizon=horizon)
