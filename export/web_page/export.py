"""Writes the folder of a page, and compares its model with the Keras model."""

import dataclasses
from pathlib import Path

from export import parity
from export.signatures.build import build_signatures
from export.web_page import composition, page, signatures
from export.web_page.runtime import Runtime
from export.writers import metadata, source_run, tflite
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from export.writers.source_run import SourceRun

_NUM_EXAMPLES = 4
_RATE = 4  # frames per interval at which the model's sub-steps are compared


def export_page(
    run: SourceRun,
    settings: ExportSettings,
    folder: Path,
    quantize: str,
    title: str,
    litert: Runtime,
) -> tuple[dict[str, parity.Errors], dict[str, int]]:
    """Write the page's folder, and compare its model with the Keras model.

    Args:
        run, settings: what is exported.
        folder: an existing, empty one.
        quantize: one of `WEB_QUANTIZATIONS`.
        title: of the page.
        litert: where the page finds LiteRT.js.

    Returns:
        (what was compared -> `parity.Errors`, part of the page -> bytes).
    """
    model, origin = source_run.load_source(run)
    length = min(settings.conditioning_frames + settings.horizon, run.config.data.test_length)
    length = max(length, parity.frames_needed(settings))
    frames, corpus = real_frames(run.config, max(parity.NUM_VIDEOS, _NUM_EXAMPLES), length)
    parts = signatures.build_parts(model.frozen(), settings)
    content, functions = tflite.convert_signatures(parts, 1, quantize)
    file = folder / page.MODEL
    file.write_bytes(content)
    rates = [1, _RATE] if signatures.has_sub_steps(model.config) else [1]
    compared, cases = [_at_rate(settings, rate) for rate in rates], {}
    for finer in compared:
        cases |= composition.cases(model, finer, frames)
    call, bound = composition.caller(tflite.load_tflite(file), compared), parity.BOUNDS[quantize]
    errors = parity.check_parity(call, cases, bound)
    metadata.write_metadata(
        folder / page.METADATA,
        run.config,
        settings,
        source=origin,
        quantize=quantize,
        noise="input",
        signatures=metadata.describe_signatures(
            build_signatures(model, settings) | parts, functions, seeded=False
        ),
        parity=metadata.describe_parity(corpus, bound, errors),
    )
    made = page.DemoPage(
        title=title,
        run=origin["run"],
        config=run.config,
        settings=settings,
        corpus=corpus,
        examples=frames[:_NUM_EXAMPLES],
        runtime=litert,
    )
    return errors, page.write_demo(made, folder)


def _at_rate(settings: ExportSettings, rate: int) -> ExportSettings:
    """The settings at which the page draws `rate` frames an interval, in fewer intervals."""
    steps = -(-settings.euler_steps // rate) * rate
    horizon = -(-settings.horizon // rate)
    return dataclasses.replace(settings, euler_steps=steps, frames_per_step=rate, horizon=horizon)
