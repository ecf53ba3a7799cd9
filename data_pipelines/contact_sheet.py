"""Pictures of clips: a sheet with their frames side by side, and a film of all of them at once."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SHOWN_SIZE = 128  # pixels, about: small frames are enlarged by a whole number
_GAP = 4  # pixels
_TEXT = 14  # pixels, the size of captions
_LINE = _TEXT + 2 * _GAP
_PAPER = "white"


class SheetSection(NamedTuple):
    """Some clips of one kind."""

    title: str
    clips: np.ndarray
    """uint8 [N, T, H, W, C], C 1 or 3."""


def contact_sheet(sections: list[SheetSection], columns: int) -> Image.Image:
    """A row per clip, of `columns` frames from the first to the last; their numbers in captions."""
    blocks = []
    for title, clips in sections:
        length = clips.shape[1]
        shown = np.unique(np.linspace(0, length - 1, min(columns, length)).round().astype(int))
        numbers = ", ".join(map(str, shown))
        blocks.append(_block(f"{title}: frames {numbers}", clips[:, shown]))
    return _stacked(blocks)


def film(sections: list[SheetSection]) -> list[Image.Image]:
    """A picture per frame, a row per section; what ends early stays."""
    length = max(clips.shape[1] for _, clips in sections)
    return [
        _stacked(
            [
                _block(title, clips[np.newaxis, :, min(time, clips.shape[1] - 1)])
                for title, clips in sections
            ]
        )
        for time in range(length)
    ]


def save_sheet(path: Path, sheet: Image.Image) -> None:
    """Write a PNG, whole or not at all."""
    _save(path, sheet, "PNG")


def save_film(path: Path, pictures: list[Image.Image], fps: float) -> None:
    """Write an endless WebP without loss, whole or not at all."""
    options = {"save_all": True, "append_images": pictures[1:], "lossless": True}
    _save(path, pictures[0], "WEBP", duration=round(1000 / fps), loop=0, **options)


def _block(caption: str, frames: np.ndarray) -> Image.Image:
    """A caption over a grid of frames, uint8 [rows, columns, H, W, C]; "L" if grey, else "RGB"."""
    rows, columns, height, width, channels = frames.shape
    scale = max(1, round(_SHOWN_SIZE / height))
    frames = frames.repeat(scale, axis=2).repeat(scale, axis=3)
    step_y, step_x = height * scale + _GAP, width * scale + _GAP
    mode = "L" if channels == 1 else "RGB"
    grid = Image.new(mode, (columns * step_x + _GAP, rows * step_y + _LINE), _PAPER)
    draw = ImageDraw.Draw(grid)
    draw.text((_GAP, _GAP), caption, "black", ImageFont.load_default(_TEXT))
    for row in range(rows):
        for column in range(columns):
            frame = frames[row, column]
            image = Image.fromarray(frame[..., 0] if channels == 1 else frame)
            grid.paste(image, (_GAP + column * step_x, _LINE + row * step_y))
    return grid


def _stacked(blocks: list[Image.Image]) -> Image.Image:
    mode = "RGB" if any(block.mode == "RGB" for block in blocks) else "L"
    width = max(block.width for block in blocks)
    page = Image.new(mode, (width, sum(block.height for block in blocks)), _PAPER)
    top = 0
    for block in blocks:
        page.paste(block, (0, top))
        top += block.height
    return page


def _save(path: Path, image: Image.Image, format: str, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        image.save(temporary, format=format, **options)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
