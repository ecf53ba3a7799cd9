"""Reads folders of numbered images as videos."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError, damage_named
from data_pipelines.readers.image_files import IMAGE_SUFFIXES, is_grey, read_image


def iterate_images(folder: Path) -> Iterator[np.ndarray]:
    """Yield the images of a folder, uint8 [H, W, 1 or 3], in the order of the numbers in the names.

    Grey (1) if all of them are. Files of other kinds and hidden ones are passed over.

    Raises:
        DataError: no image, two of one number, a gap in the numbers, names of several kinds, an
            image that cannot be read or has several pages.
    """
    paths = _in_order(folder)
    grey = all(is_grey(path) for path in paths)
    for path in paths:
        yield read_image(path, grey, is_first=path is paths[0])


def _in_order(folder: Path) -> list[Path]:
    with damage_named(f"{folder}: cannot be read"):
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    numbered: dict[tuple, Path] = {}
    for path in entries:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            first = numbered.setdefault(_natural(path.stem), path)
            if first is not path:
                raise DataError(
                    f"{folder}: {first.name} and {path.name} have one number; remove one."
                )
    if not numbered:
        raise DataError(f"{folder}: holds no image ({', '.join(IMAGE_SUFFIXES)}).")
    keys = sorted(numbered)
    _require_one_row(folder, keys, numbered)
    return [numbered[key] for key in keys]


def _require_one_row(folder: Path, keys: list[tuple], numbered: dict[tuple, Path]) -> None:
    """Raise `DataError` unless the names differ in one number, which grows in equal steps."""
    first, places = keys[0], set()
    for key in keys:
        same_texts = len(key) == len(first) and key[::2] == first[::2]
        places |= {i for i, part in enumerate(key) if same_texts and part != first[i]}
        if not same_texts or len(places) > 1:
            raise DataError(
                f"{folder}: {numbered[first].name} and {numbered[key].name} differ in more than "
                "one number; give each video a folder of its own."
            )
    numbers = [key[place] for place in places for key in keys]
    least = min((after - before for before, after in itertools.pairwise(numbers)), default=1)
    for before, after in itertools.pairwise(numbers):
        if after - before != least:
            raise DataError(
                f"{folder}: frame {before + least} is missing; add it, or number the images "
                "without gaps."
            )


def _natural(name: str) -> tuple:
    """A key that sorts img_2 before img_10: texts and numbers in turn."""
    parts = re.split(r"([0-9]+)", name)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts))
