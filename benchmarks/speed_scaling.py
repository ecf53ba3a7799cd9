"""How the cost of `forecast` grows with horizon, samples, videos and pixels.

The exponent is the slope of log(time) over log(size): 1 is linear, less is better than linear.
"""

import dataclasses

import numpy as np

from benchmarks.measure import interleave, table
from benchmarks.settings import clips_of, config_of, model_of

START = {"horizon": 10, "samples": 1, "videos": 1, "frame side": 64}
SIZES = {
    "horizon": (10, 20, 40),
    "samples": (1, 4, 8),
    "videos": (1, 4, 8),
    "frame side": (32, 64, 128),
}
HEADER = ("cost against", "sizes", "ms", "exponent", "by CPU")


def scaling_table(settings, rounds):
    """Markdown: every setting and size."""
    rows = [_row(setting, name, rounds) for setting in settings for name in SIZES]
    return table(HEADER, rows)


def _row(setting, name, rounds):
    sizes = SIZES[name]
    functions = {size: _forecast(setting, **{**START, name: size}) for size in sizes}
    timings = interleave(functions, rounds).values()
    # A frame's work is counted by its pixels.
    logs = np.log(sizes) * (2 if name == "frame side" else 1)
    wall, cpu = (np.polyfit(logs, np.log(t), 1)[0] for t in zip(*timings, strict=True))
    return [
        f"{setting}: {'pixels, frame side' if name == 'frame side' else name}",
        ", ".join(map(str, sizes)),
        ", ".join(f"{1e3 * t.wall:.0f}" for t in timings),
        f"{wall:.2f}",
        f"{cpu:.2f}",
    ]


def _forecast(setting, horizon, samples, videos, **frame):
    config = config_of(setting)
    model_config = dataclasses.replace(config.model, frame_size=frame["frame side"])
    model = model_of(model_config)
    clips = clips_of(model_config, videos, config.data.nt_cond)
    return lambda: model.forecast(clips, horizon, samples).numpy()
