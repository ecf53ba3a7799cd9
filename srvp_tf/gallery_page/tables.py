"""Tables of the page: results beside the published ones, and configurations side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from srvp_tf.config import SECTIONS, Config, config_fields
from srvp_tf.metrics.registry import METRICS, formatted

_PRIVATE = ("data_dir", "digits_dir")  # paths of the machine that made the page


class ResultsRow(NamedTuple):
    """A line of the results: its cells are (value, interval), "" where there is none."""

    label: str
    cells: tuple[tuple[str, str], ...]
    note: str
    published: bool


class Results(NamedTuple):
    """The results table: metrics as (heading, "higher" or "lower" is better), and rows."""

    metrics: tuple[tuple[str, str], ...]
    rows: tuple[ResultsRow, ...]


class Setting(NamedTuple):
    """One setting of the runs: its name, what it is, its values, and whether they differ."""

    name: str
    help: str
    values: tuple[str, ...]
    differs: bool


def results_table(reports: Mapping[str, dict], published: Sequence) -> Results:
    """The results of some runs.

    Args:
        reports: name of the run -> what its results.json holds.
        published: rows of `metrics.published_results` for the same setting, or none.
    """
    names = [n for n in METRICS if any(n in report["metrics"] for report in reports.values())]
    rows = [
        ResultsRow(
            run,
            tuple(_measured(name, report["metrics"].get(name)) for name in names),
            f"{report['num_videos']} videos, best of {report['num_samples']}",
            published=False,
        )
        for run, report in reports.items()
    ]
    for row in published:
        values = [getattr(row, name, None) for name in names]
        if all(value is None for value in values):
            continue
        cells = ((_text(name, value), "") for name, value in zip(names, values, strict=True))
        rows.append(ResultsRow(row.model, tuple(cells), row.differs, published=True))
    metrics = (METRICS[name] for name in names)
    better = tuple((m.heading, "higher" if m.higher_is_better else "lower") for m in metrics)
    return Results(better, tuple(rows))


def settings_table(configs: Mapping[str, Config]) -> dict[str, list[Setting]]:
    """Section -> its settings in all runs, without those that none of their models have.

    Folders of the machine are left out.
    """
    table = {name: [] for name in SECTIONS}
    for section, spec in config_fields():
        if spec.name in _PRIVATE:
            continue
        values = tuple(_setting(c, section, spec.name) for c in configs.values())
        if not any(values):
            continue
        table[section].append(
            Setting(spec.name, spec.metadata["help"], values, len(set(values)) > 1)
        )
    return table


def _measured(name, summary):
    if summary is None:
        return "", ""
    ci95 = float(summary["ci95"])
    interval = f"\u00b1 {_text(name, ci95)}" if math.isfinite(ci95) else ""
    return _text(name, float(summary["mean"])), interval


def _text(name, value):
    if value is None:
        return ""
    return formatted(name, value) if math.isfinite(value) else "infinite"


def _setting(config, section, name):
    """The value of a setting as text; "" if the run's model does not have it."""
    part = getattr(config, section)
    return _shown(getattr(part, name)) if part.has_setting(name, config.model.model) else ""


def _shown(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
