"""Curves of a metric over time, with intervals: geometry of plain SVG."""

import math
from typing import NamedTuple

import numpy as np

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 40
_MOST_TICKS = 6


class Curve(NamedTuple):
    """A metric of one method at every predicted frame.

    label: of the method. mean, ci95: float [K], NaN where there is no value.
    baseline: whether it is one to compare with.
    """

    label: str
    mean: np.ndarray
    ci95: np.ndarray
    baseline: bool = False


class Line(NamedTuple):
    """A drawn curve: SVG paths of the line and of the band of its interval."""

    label: str
    line: str
    band: str
    series: int
    baseline: bool


class Column(NamedTuple):
    """A predicted frame: its number, the place of its strip, and the values there."""

    frame: int
    x: float
    left: float
    width: float
    values: tuple[tuple[str, str], ...]


class Chart(NamedTuple):
    """All that the template draws; coordinates are those of a `WIDTH` x `HEIGHT` picture."""

    name: str
    better: str
    lines: tuple[Line, ...]
    columns: tuple[Column, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def summarize_frames(label, scores, baseline=False) -> Curve:
    """The `Curve` of scores [N, K] of N videos: means and 1.96 std / sqrt(N) over the finite ones.

    Infinite scores are those of frames that were predicted exactly, as PSNR has them.
    """
    scores = np.where(np.isfinite(scores), scores, np.nan)
    count = np.isfinite(scores).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(scores, axis=0) / count
        deviation = np.sqrt(np.nansum((scores - mean) ** 2, axis=0) / count)
        ci95 = 1.96 * deviation / np.sqrt(count)
    return Curve(label, mean, ci95, baseline)


def chart(name: str, better: str, curves, first_frame: int, decimals: int) -> Chart:
    """Draw curves of one length.

    Args:
        name: of the metric.
        better: "higher" or "lower".
        curves: `Curve`s; the series are numbered in their order, baselines apart.
        first_frame: number of the first predicted frame, from 1.
        decimals: of the values shown.
    """
    length = len(curves[0].mean)
    lows = np.concatenate([curve.mean - curve.ci95 for curve in curves])
    highs = np.concatenate([curve.mean + curve.ci95 for curve in curves])
    ticks = nice_ticks(_extreme(np.nanmin, lows, 0.0), _extreme(np.nanmax, highs, 1.0))
    low, high = ticks[0], ticks[-1]

    def x(index):
        return LEFT + (WIDTH - LEFT - RIGHT) * (index / (length - 1) if length > 1 else 0.5)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    series, lines = 0, []
    for curve in curves:
        series += not curve.baseline
        number = 0 if curve.baseline else series
        lines.append(_line(curve, number, x, y))
    step = (WIDTH - LEFT - RIGHT) / max(length - 1, 1)
    columns = tuple(
        Column(
            first_frame + i, _number(x(i)), _number(x(i) - step / 2), _number(step),
            tuple((curve.label, _value(curve, i, decimals)) for curve in curves),
        )
        for i in range(length)
    )  # fmt: skip
    every = max(-(-length // 8), 1)
    x_ticks = tuple((column.x, str(column.frame)) for column in columns[::every])
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    y_ticks = tuple((_number(y(tick)), f"{tick:.{digits}f}") for tick in ticks)
    return Chart(name, better, tuple(lines), columns, x_ticks, y_ticks)


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly spaced, from at or below `low` to at or above `high`."""
    spread = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(spread / _MOST_TICKS))
    steps = (power * factor for factor in (1, 2, 5, 10))
    step = next(step for step in steps if spread / step <= _MOST_TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def _extreme(function, values, default):
    return float(function(values)) if np.isfinite(values).any() else default


def _line(curve, series, x, y):
    """Line and band, each broken where there are no values."""
    shown = np.isfinite(curve.mean)
    runs = np.split(np.flatnonzero(shown), np.flatnonzero(np.diff(np.flatnonzero(shown)) > 1) + 1)
    runs = [run for run in runs if len(run)]
    line = "".join(_path((x(i), y(curve.mean[i])) for i in run) for run in runs)
    above = [[(x(i), y(curve.mean[i] + curve.ci95[i])) for i in run] for run in runs]
    below = [[(x(i), y(curve.mean[i] - curve.ci95[i])) for i in run[::-1]] for run in runs]
    band = "".join(_path(up + down) + "Z" for up, down in zip(above, below, strict=True))
    return Line(curve.label, line, band, series, curve.baseline)


def _path(points):
    return "M" + "L".join(f"{_number(x):g} {_number(y):g}" for x, y in points)


def _number(value):
    return round(float(value), 2)


def _value(curve, index, decimals):
    if not np.isfinite(curve.mean[index]):
        return "-"
    return f"{curve.mean[index]:.{decimals}f} \u00b1 {curve.ci95[index]:.{decimals}f}"
