"""Time from the observed frames of one video to its prediction: `forecast`, one sample."""

from benchmarks.measure import has_native_bfloat16, interleave, table
from benchmarks.settings import clips_of, config_of, model_of

HORIZONS = (1, 30)
HEADER = ("latency, one video", "variant", "ms", "CPU ms", "speed", "by CPU")


def latency_table(settings, rounds):
    """Markdown: every setting, horizon and variant; speed as a multiple of the plain layers'."""
    return table(HEADER, [row for setting in settings for row in _rows(setting, rounds)])


def _rows(setting, rounds):
    config = config_of(setting)
    video = clips_of(config.model, 1, config.data.nt_cond)
    low = ("ours, bf16, frozen",) if has_native_bfloat16() else ()
    variants = ("plain", "ours", "ours, frozen", *low)
    models = {variant: model_of(config.model, variant) for variant in variants}
    for horizon in HORIZONS:
        functions = {name: _forecast(model, video, horizon) for name, model in models.items()}
        timings = interleave(functions, rounds)
        plain = timings["plain"]
        frames = "first frame" if horizon == 1 else f"{horizon} frames"
        for variant, timing in timings.items():
            yield [
                f"{setting}, {frames} after {config.data.nt_cond}",
                variant,
                f"{1e3 * timing.wall:.0f}",
                f"{1e3 * timing.cpu:.0f}",
                f"{plain.wall / timing.wall:.2f}",
                f"{plain.cpu / timing.cpu:.2f}",
            ]


def _forecast(model, video, horizon):
    return lambda: model.forecast(video, horizon).numpy()
