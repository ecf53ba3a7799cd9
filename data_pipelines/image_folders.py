"""Reads folders of numbered images as videos."""

import contextlib
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from data_pipelines.errors import DataError
from data_pipelines.pixels import on_white, require_sane_size

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
# Of a progressive JPEG, each of which goes over the whole picture for a few bytes; usual are 10.
_MAX_SCANS = 64
_SCAN = b"\xff\xda"
_FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")


def iterate_images(folder: Path) -> Iterator[np.ndarray]:
    """Yield the images of a folder, uint8 [H, W, 1 or 3], in the order of the numbers in the names.

    Grey (1) if all of them are. Files of other kinds and hidden ones are passed over.

    Raises:
        DataError: no image, two of one number, a gap in the numbers, names of several kinds, an
            image that cannot be read or has another size.
    """
    paths = _in_order(folder)
    grey = all(_is_grey(path) for path in paths)
    size = None
    for path in paths:
        pixels = _pixels(path, grey)
        height, width, _ = pixels.shape
        if size is None:
            size = (width, height)
        elif size != (width, height):
            raise DataError(
                f"{path}: is {width} x {height} pixels, {paths[0].name} {size[0]} x {size[1]}; the "
                "frames of a video need one size."
            )
        yield pixels


def _in_order(folder: Path) -> list[Path]:
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}).") from None
    images = [path for path in entries if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise DataError(f"{folder}: holds no image ({', '.join(IMAGE_SUFFIXES)}).")
    numbered: dict[tuple, Path] = {}
    for path in sorted(images):
        key = _natural(path.stem)
        if key in numbered:
            raise DataError(
                f"{folder}: {numbered[key].name} and {path.name} have one number; remove one."
            )
        numbered[key] = path
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


def _open(path: Path) -> Image.Image:
    """Read the header; no pixel is decoded before its size is found sane."""
    with warnings.catch_warnings():
        # Pillow warns of large images and refuses still larger ones; the limit here is lower.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path, formats=_FORMATS)
    require_sane_size(path, *image.size)
    if image.format == "JPEG" and (scans := path.read_bytes().count(_SCAN)) > _MAX_SCANS:
        raise DataError(f"{path}: goes over its picture {scans} times; save it anew.")
    return image


def _is_grey(path: Path) -> bool:
    with _readable(path), _open(path) as image:
        return image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")


def _pixels(path: Path, grey: bool) -> np.ndarray:
    with _readable(path), _open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            # Pillow clips what is above 255.
            wide = np.asarray(image).astype(np.uint32)
            image = Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
        elif image.mode in ("I", "F"):
            raise DataError(f"{path}: has pixels of 32 bits; save it with 8 or 16.")
        if image.has_transparency_data:
            pixels = on_white(np.asarray(image.convert("RGBA")))
            return pixels[..., :1] if grey else pixels
        pixels = np.asarray(image.convert("L" if grey else "RGB"))
        return pixels[..., np.newaxis] if grey else pixels


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns whatever a damaged image raises into one `DataError` that names it."""
    try:
        yield
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"{path}: cannot be read as an image (of no known format).") from None
    except Exception as error:  # a damaged image can raise a dozen types, SyntaxError among them
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as an image ({reason}).") from None
