"""The report of an evaluation: its table beside the paper's, and its JSON file."""

import json
from pathlib import Path

import numpy as np

from srvp_tf.config import corpora
from srvp_tf.metrics.registry import METRICS, formatted

_WIDTH = 20

PROTOCOLS = ("best_of_n", "mean_sample", "both")


def print_report(report: dict, protocol: str = "best_of_n") -> None:
    """Print the table of a report, with the published rows that it holds.

    Args:
        report: what `protocol.evaluate` gave.
        protocol: of `PROTOCOLS`: the best of a video's samples for each metric, as the paper
            judges, their mean, or both.
    """
    print(
        f"{report['run']}, {report['checkpoint']} model (step {report['step']}): "
        f"{report['num_videos']} videos, {report['predicted_frames']} frames predicted from "
        f"{report['conditioning_frames']}, best of {report['num_samples']}"
        + (f", {report['actions']} actions" if "actions" in report else "")
    )
    metrics, published = report["metrics"], report.get("published")
    names = [name for name in METRICS if name in metrics]
    print(_row("mean +- 95 %", [METRICS[name].heading for name in names]))
    if protocol != "mean_sample":
        print(_row("this run", [_measured(name, metrics.get(name)) for name in names]))
    if protocol != "best_of_n":
        means = report["mean_sample"]
        print(_row("its mean sample", [_measured(name, means.get(name)) for name in names]))
    if published:
        _print_published(published, names)
    means = [METRICS[name].heading for name in names if not METRICS[name].best_of_samples]
    if means and protocol != "mean_sample":
        print(f"{', '.join(means)}: the mean over the samples, not the best")
    for name in names:
        if metrics[name].get("infinite"):
            print(f"{metrics[name]['infinite']} videos were predicted without any error: infinite")
    if "fvd" in metrics:
        fvd = metrics["fvd"]
        print(
            f"FVD on {fvd['frames']} frames of {fvd['videos']} videos, {len(fvd['draws'])} draws; "
            "it depends on the number of videos, so compare equal ones"
        )
    if report["dataset"] == "moving_mnist" and report["digits"] == "embedded":
        print(f"not the official test set: {corpora.EMBEDDED_DIGITS}")


def _print_published(published: dict, names: list[str]) -> None:
    alike = f"published for {published['setting']}, the whole test set, best of 100:"
    lines: dict[str, list[str]] = {alike: []}  # by what stands above them
    for row in published["rows"]:
        if any(row.get(name) is not None for name in names):
            heading = f"published, {row['differs']}:" if row.get("differs") else alike
            cells = [_published(name, row.get(name)) for name in names]
            lines.setdefault(heading, []).append(_row(f"  {row['model']}", cells))
    for heading, rows in lines.items():
        print(heading, *rows, sep="\n")


def write_report(report: dict, path: Path) -> None:
    """Write a report as JSON."""
    path.write_text(json.dumps(_finite(report), indent=2) + "\n")


def _row(head: str, cells: list[str]) -> str:
    return f"{head:18}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells)


def _measured(name: str, summary: dict | None) -> str:
    if summary is None:  # FVD has no mean over single samples
        return "-"
    return f"{formatted(name, summary['mean'])} +- {formatted(name, summary['ci95'])}"


def _published(name: str, value: float | None) -> str:
    return "-" if value is None else formatted(name, value)


def _finite(tree: object) -> object:
    """`tree` with infinite and undefined numbers as text, which JSON has no numbers for."""
    if isinstance(tree, dict):
        return {name: _finite(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_finite(value) for value in tree]
    return str(tree) if isinstance(tree, float) and not np.isfinite(tree) else tree
