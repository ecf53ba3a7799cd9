"""Curves: means, intervals, and where they are drawn."""

import re

import numpy as np
import pytest

from srvp_tf.gallery_page import charts
from srvp_tf.gallery_page.charts import chart, nice_ticks, summarize_frames
from srvp_tf.metrics.best_of import summarize


def points(path):
    return np.array([[float(x) for x in pair.split()] for pair in re.split("[ML]", path)[1:]])


def test_means_and_intervals_are_those_of_the_results_table():
    scores = np.random.default_rng(0).normal(20, 3, (40, 7))
    curve = summarize_frames("run", scores)
    for i in range(7):
        expected = summarize(scores[:, i])
        assert curve.mean[i] == pytest.approx(expected.mean, rel=1e-12)
        assert curve.ci95[i] == pytest.approx(expected.ci95, rel=1e-12)


def test_frames_without_error_are_left_out():
    scores = np.array([[20.0, np.inf], [22.0, np.inf], [np.inf, np.inf]])
    curve = summarize_frames("run", scores)
    assert curve.mean[0] == 21
    assert np.isnan(curve.mean[1])


def test_points_lie_where_the_axes_say():
    mean = np.array([10.0, 14.0, 12.0])
    scores = np.stack([mean - 1, mean + 1])
    drawn = chart("PSNR", "higher", [summarize_frames("run", scores)], 6, 2)
    (line,) = drawn.lines
    y_of = {float(text): y for y, text in drawn.y_ticks}
    low, high = min(y_of), max(y_of)
    assert (y_of[low], y_of[high]) == (charts.HEIGHT - charts.BOTTOM, charts.TOP)
    scale = (y_of[high] - y_of[low]) / (high - low)
    expected = y_of[low] + scale * (mean - low)
    np.testing.assert_allclose(points(line.line)[:, 1], expected, atol=0.02)
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    np.testing.assert_allclose(points(line.line)[:, 0], [left, (left + right) / 2, right])
    half_width = 1.96 / np.sqrt(2)
    band = points(line.band.rstrip("Z"))
    np.testing.assert_allclose(band[:3, 1], expected + scale * half_width, atol=0.02)
    assert [column.frame for column in drawn.columns] == [6, 7, 8]
    assert drawn.columns[1].values == (("run", f"14.00 \u00b1 {half_width:.2f}"),)


def test_a_line_is_broken_where_there_is_no_value():
    scores = np.array([[1.0, 2.0, np.inf, 4.0]])
    (line,) = chart("PSNR", "higher", [summarize_frames("run", scores)], 1, 2).lines
    assert line.line.count("M") == 2
    assert line.band.count("Z") == 2


@pytest.mark.parametrize("value", [0.0, np.inf])
def test_flat_and_empty_curves_are_drawn(value):
    drawn = chart("PSNR", "higher", [summarize_frames("run", np.full((3, 1), value))], 1, 2)
    assert len(drawn.y_ticks) >= 2


def test_ticks_are_round_and_enclose():
    assert nice_ticks(10.4, 16.9) == [10, 12, 14, 16, 18]
    np.testing.assert_allclose(nice_ticks(0.42, 0.71), [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75])
    for low, high in np.random.default_rng(0).normal(0, 30, (200, 2)):
        low, high = sorted((low, high))
        ticks = nice_ticks(low, high)
        assert ticks[0] <= low and ticks[-1] >= high
        assert 3 <= len(ticks) <= 9
