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
_WHITE = 255


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
        blocks.append(_block(f"{title}: frames {', '.join(map(str, shown))}", clips[:, shown]))
    return _stacked(blocks)


def film(sections: list[SheetSection]) -> list[Image.Image]:
    """A picture per frame, a row per section; what ends early stays."""
    length = max(clips.shape[1] for _, clips in sections)
    return [
        _stacked([_block(title, clips[None, :, : time + 1][:, :, -1]) for title, clips in sections])
        for time in range(length)
    ]


def save_film(path: Path, pictures: list[Image.Image], fps: float) -> None:
    """Write an endless WebP without loss, whole or not at all."""
    options = {"save_all": True, "append_images": pictures[1:], "lossless": True}
    save(path, pictures[0], "WEBP", duration=round(1000 / fps), loop=0, **options)


def _block(caption: str, frames: np.ndarray) -> np.ndarray:
    """A caption over a grid of frames, uint8 [rows, columns, H, W, C]: uint8 [H', W', C]."""
    rows, columns, height, *_, channels = frames.shape
    scale = max(1, round(_SHOWN_SIZE / height))
    frames = frames.repeat(scale, axis=2).repeat(scale, axis=3)
    apart = np.pad(frames, [(0, 0)] * 2 + [(0, _GAP)] * 2 + [(0, 0)], constant_values=_WHITE)
    grid = apart.swapaxes(1, 2).reshape(rows * apart.shape[2], -1, channels)
    grid = np.pad(grid, [(_LINE, 0), (_GAP, 0), (0, 0)], constant_values=_WHITE)
    image = _image(grid)
    ImageDraw.Draw(image).text((_GAP, _GAP), caption, "black", ImageFont.load_default(_TEXT))
    return np.asarray(image).reshape(grid.shape)


def _stacked(blocks: list[np.ndarray]) -> Image.Image:
    width = max(block.shape[1] for block in blocks)
    wide = [[(0, 0), (0, width - block.shape[1]), (0, 0)] for block in blocks]
    padded = [np.pad(b, w, constant_values=_WHITE) for b, w in zip(blocks, wide, strict=True)]
    return _image(np.concatenate(padded))


def _image(pixels: np.ndarray) -> Image.Image:
    """Grey or RGB, of uint8 [H, W, 1 or 3]."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def save(path: Path, image: Image.Image, format: str, **options) -> None:
    """Write a picture with Pillow's options, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        image.save(temporary, format=format, **options)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
