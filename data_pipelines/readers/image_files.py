"""Reads image files, and the pages of those that hold several: TIFF stacks, animated PNG and WebP.

Every value is brought to 8 bits by what the file says is white: 65535 of 16 bits, 4095 of 12.
"""

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from data_pipelines.errors import DataError, damage_named
from data_pipelines.readers.pixels import on_white, require_sane_size

IMAGE_SUFFIXES = tuple(".png .apng .jpg .jpeg .bmp .ppm .pgm .tif .tiff .webp".split())
# Of a progressive JPEG, each of which goes over the whole picture for a few bytes; usual are 10.
_MAX_SCANS = 64
_SCAN = b"\xff\xda"
_MAX_PAGES = 1 << 14  # of a TIFF: Pillow looks through all earlier ones at each
_FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
_WHITE = 65535
_DARK = 4095  # all 12 bits, the most of many cameras

# Tags of TIFF.
_KIND, _BITS, _PHOTOMETRIC, _DESCRIPTION, _MOST = 254, 258, 262, 270, 281
_IS_SMALLER_OR_MASK = 5

_LOG = logging.getLogger(__name__)


def is_grey(path: Path) -> bool:
    """Whether an image is grey, by its header."""
    with _opened(path) as image:
        return _is_grey(image)


def read_image(path: Path, grey: bool, is_first: bool = True) -> np.ndarray:
    """The pixels of an image, uint8 [H, W, 1 if grey else 3]; transparent parts lie on white.

    A warning says so if the first image of a video uses few of its 16 bits.

    Raises:
        DataError: it cannot be read, or has several pages.
    """
    with _opened(path) as image:
        pages = _pages(path, image)
        if len(pages) != 1:
            raise DataError(
                f"{path}: holds {len(pages)} pages, a frame of a video is one; save each as a file "
                "of its own, or give the file itself as a video."
            )
        return _pixels(path, _at(image, pages[0]), grey, is_first)


def iterate_pages(path: Path) -> Iterator[np.ndarray]:
    """Yield the pages of an image file, uint8 [H, W, 1 or 3], grey (1) if all of them are.

    Raises:
        DataError: it cannot be read, or has one page.
    """
    with _opened(path) as image:
        pages = _pages(path, image)
        if len(pages) == 1:
            raise DataError(f"{path}: is one image; give the folder of numbered images.")
        # Of other formats all pages have the mode of the first.
        of_own_mode = pages if image.format == "TIFF" else pages[:1]
        grey = all(_is_grey(_at(image, page)) for page in of_own_mode)
        for page in pages:
            yield _pixels(path, _at(image, page), grey, page == pages[0])


def num_pages(path: Path) -> int:
    """How many pages an image file has; 1 if it cannot be read."""
    try:
        with _opened(path) as image:
            return len(_pages(path, image))
    except DataError:
        return 1


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image with its header read; whatever a damaged one raises becomes one `DataError`.

    No pixel is decoded before the size is found sane.
    """
    with damage_named(f"{path}: cannot be read as an image"):
        try:
            with warnings.catch_warnings():
                # Pillow warns of large images, and refuses larger ones than are read here.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                image = Image.open(path, formats=_FORMATS)
        except UnidentifiedImageError:
            raise ValueError("of no known format") from None
        with image:
            require_sane_size(path, *image.size)
            if image.format == "JPEG" and (scans := path.read_bytes().count(_SCAN)) > _MAX_SCANS:
                raise DataError(f"{path}: goes over its picture {scans} times; save it anew.")
            yield image


def _at(image: Image.Image, page: int) -> Image.Image:
    image.seek(page)
    return image


def _pages(path: Path, image: Image.Image) -> Sequence[int]:
    """The numbers of the pages of an open image."""
    if image.format in ("PNG", "WEBP"):
        # The first picture of an animated PNG may be there for those who cannot play it.
        return range(int(getattr(image, "default_image", False)), getattr(image, "n_frames", 1))
    if image.format == "PPM":
        _require_one_picture(path, image)
    if image.format != "TIFF":
        return range(1)
    pages, description = [], _description(image)
    for page in range(_MAX_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            break
        if not _number(image, _KIND, 0) & _IS_SMALLER_OR_MASK:
            pages.append(page)
    if len(pages) > _MAX_PAGES:
        raise DataError(f"{path}: has more than {_MAX_PAGES:,} pages; cut it into several files.")
    # ImageJ may write one header, and all the pages behind the first.
    counted = re.search(r"images=(\d+)", description) if description.startswith("ImageJ=") else None
    if counted and int(counted[1]) > len(pages):
        raise DataError(
            f"{path}: holds {counted[1]} pages with one header, as ImageJ has it; save it with "
            "one for each."
        )
    return pages or range(1)


def _require_one_picture(path: Path, image: Image.Image) -> None:
    """Raise `DataError` if a PGM or PPM has another behind the first, which Pillow does not see."""
    with open(path, "rb") as file:
        magic = file.read(2)
        bits = {b"P4": 1, b"P5": 8, b"P6": 24}.get(magic)
        if bits is None:
            return
        width, height = image.size
        decoder, _, offset, args = image.tile[0]
        is_wide = image.mode == "I" or (decoder == "ppm" and args[1] > 255)
        end = offset + (width * bits + 7) // 8 * height * (1 + is_wide)
        file.seek(end)
        if file.read(2) == magic:
            count = path.stat().st_size // end
            raise DataError(f"{path}: holds {count} pictures; save each as a file of its own.")


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA") or _is_wide(image)


def _is_wide(image: Image.Image) -> bool:
    """Whether it is grey of 16 bits."""
    # Pillow has no other mode for 16 bits of PGM; in some versions, of PNG.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG"))


def _pixels(path: Path, image: Image.Image, grey: bool, is_first: bool) -> np.ndarray:
    """The page that an open image stands at, uint8 [H, W, 1 if grey else 3]."""
    require_sane_size(path, *image.size)
    is_wide, is_tiff, white = _is_wide(image), image.format == "TIFF", _white(image)
    if image.mode in ("I", "F") and not is_wide:
        raise DataError(f"{path}: has pixels with a sign or of 32 bits; save it with 8 or 16.")
    is_cut = is_tiff and not is_wide and _number(image, _BITS, 8) == 16
    if is_cut and white not in (None, _WHITE):
        raise DataError(f"{path}: has colours of {white.bit_length()} in 16 bits; save it with 8.")
    is_negative = is_tiff and _number(image, _PHOTOMETRIC, 1) == 0
    image = ImageOps.exif_transpose(image)
    if is_wide:
        # Pillow clips what is above 255, and leaves negatives as they are.
        wide = np.asarray(image).astype(np.uint32)
        brightest, most = int(wide.max()), white or _WHITE
        wide = np.minimum(wide, most)
        wide = most - wide if is_negative else wide
        image = Image.fromarray(((wide * 255 + most // 2) // most).astype(np.uint8))
    elif is_cut:
        brightest = 256 * int(np.asarray(image).max()) + 255  # Pillow keeps the upper 8 bits
    if is_first and white is None and (is_wide or is_cut) and brightest <= _DARK:
        _LOG.warning(
            "%s: its 16-bit values reach %d of 65535, almost black; if they have fewer bits, scale "
            "them, or let the file say so (TIFF's MaxSampleValue)",
            path,
            brightest,
        )
    if image.has_transparency_data:
        pixels = on_white(np.asarray(image.convert("RGBA")))
        return pixels[..., :1] if grey else pixels
    pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return pixels[..., np.newaxis] if grey else pixels


def _white(image: Image.Image) -> int | None:
    """The value of white in a picture of 16 bits, where the file says it."""
    if image.format == "PPM":
        return _WHITE  # Pillow scales them
    if image.format != "TIFF":
        return None
    bits, most = _number(image, _BITS, 16), _number(image, _MOST, 0)
    if said := re.search(r'SignificantBits="(\d+)"', _description(image)):  # OME
        bits = min(bits, int(said[1]))
    if 8 < bits < 16:
        return (1 << bits) - 1
    # All ones are the bits that there are; another value may be the brightest of this picture.
    return most if 255 < most <= _WHITE and not most & (most + 1) else None


def _number(image: Image.Image, tag: int, default: int) -> int:
    """The value of a TIFF's tag, the largest of several."""
    return int(np.max(image.tag_v2.get(tag, default)))


def _description(image: Image.Image) -> str:
    return str(image.tag_v2.get(_DESCRIPTION, ""))
