"""Reads tables of actions: `clip.actions.csv` or `clip.actions.npy`, beside the video `clip`."""

import csv
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError, damage_named
from data_pipelines.readers.npy_headers import read_header

TABLE_SUFFIXES = (".actions.csv", ".actions.npy")
MAX_COLUMNS = 1024
_MAX_TABLE_BYTES = 1 << 27
_MAX_NAME = 100
_SHOWN = 40  # letters of what is refused


def find_tables(video: Path) -> list[Path]:
    """The tables beside a file or a folder of images: one or none, if all is well."""
    stem = video.name if video.is_dir() else video.stem
    paths = [video.with_name(f"{stem}{suffix}") for suffix in TABLE_SUFFIXES]
    return [path for path in paths if path.is_file()]


def read_columns(path: Path) -> tuple[str, ...]:
    """The names of the columns, different ones; of an .npy action_0, action_1, and so on.

    Raises:
        DataError: one line that names the file: it is damaged, too large, or no table.
    """
    return next(_columns_then_rows(path))


def read_rows(path: Path, columns: tuple[str, ...]) -> np.ndarray:
    """The rows, float32 [R, A], with the columns in that order.

    Raises:
        DataError: as `read_columns`; or a row is longer or shorter than the first line, or holds
            what is no finite number in float32.
    """
    with np.errstate(over="ignore"):
        names, rows = _columns_then_rows(path)
    if set(names) != set(columns):
        raise DataError(f"{path}: has other columns than a moment ago; prepare it again.")
    if (bad := np.argwhere(~np.isfinite(rows))).size:
        row, column = bad[0]
        raise DataError(f"{path}: row {row + 1}, column {names[column]} is no finite float32.")
    return rows[:, [names.index(name) for name in columns]]


def _columns_then_rows(path: Path) -> Iterator[tuple[str, ...] | np.ndarray]:
    """Names, then float32 [R, A]: who wants the names alone does not read on."""
    with damage_named(f"{path}: cannot be read as a table of actions"):
        if os.path.getsize(path) > _MAX_TABLE_BYTES:
            raise DataError(f"{path}: has more than {_MAX_TABLE_BYTES >> 20} MiB; cut the video.")
        yield from (_csv if path.suffix == ".csv" else _npy)(path)


def _csv(path: Path) -> Iterator[tuple[str, ...] | np.ndarray]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, strict=True)
        names = tuple(name.strip() for name in next(lines, []))
        _require_width(path, len(names))
        for name in names:
            if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
                raise DataError(f"{path}: its first line names a column {name[:_SHOWN]!r}.")
            if not math.isnan(_number(name)):
                raise DataError(
                    f"{path}: its first line holds {name!r}, where names of columns belong."
                )
        if len(set(names)) < len(names):
            raise DataError(f"{path}: two of its columns have one name.")
        yield names
        values = np.fromiter(_values(path, lines, len(names)), np.float32)
        yield values.reshape(-1, len(names))


def _values(path: Path, lines: Iterator[list[str]], count: int) -> Iterator[float]:
    for number, row in enumerate(lines, start=1):
        if not row and not any(lines):
            return  # empty lines at the end
        if len(row) != count:
            raise DataError(f"{path}: row {number} has {len(row)} values, its first line {count}.")
        yield from map(_number, row)


def _number(text: str) -> float:
    """NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _npy(path: Path) -> Iterator[tuple[str, ...] | np.ndarray]:
    with open(path, "rb") as file:
        header = read_header(file, os.path.getsize(path))
        shape, _, dtype = header
        if len(shape) != 2 or dtype.kind not in "fiu":
            raise DataError(
                f"{path}: holds {str(dtype)[:_SHOWN]} {list(shape[:9])}; give numbers [T - 1, A]."
            )
        _require_width(path, shape[1])
        yield tuple(f"action_{number}" for number in range(shape[1]))
        yield header.array(file.read()).astype(np.float32)


def _require_width(path: Path, count: int) -> None:
    if not 1 <= count <= MAX_COLUMNS:
        raise DataError(f"{path}: has {count} columns; 1 to {MAX_COLUMNS} are read.")
