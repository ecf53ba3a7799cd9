"""Frames of many videos in one picture, from which the page draws any of them exactly.

One lossless picture per player, and no video file: browsers seek videos to key frames, blend their
colours and differ in what they play; tiles of a picture are drawn frame by frame, everywhere and
from file:// too. A frame that occurs in several videos, as conditioning frames do, is stored once.
"""

from pathlib import Path

import numpy as np

MAX_WIDTH = 4096
"""Pixels; wider pictures exceed the textures of some phones."""


class FrameSheet:
    """Collects frames uint8 [H, W, C] of one size, C = 1 or 3, for one picture."""

    def __init__(self):
        self._numbers, self._frames = {}, []

    def add(self, video: np.ndarray) -> list[int]:
        """The numbers of the frames of a video, uint8 [T, H, W, C], in this sheet."""
        if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] not in (1, 3):
            raise ValueError(f"a video is uint8 [T, H, W, 1 or 3], not {video.dtype} {video.shape}")
        if self._frames and video.shape[1:] != self._frames[0].shape:
            raise ValueError(f"frames {video.shape[1:]} on a sheet of {self._frames[0].shape}")
        return [self._number(frame) for frame in video]

    def _number(self, frame):
        number = self._numbers.setdefault(frame.tobytes(), len(self._frames))
        if number == len(self._frames):
            self._frames.append(frame)
        return number

    @property
    def tile_size(self) -> tuple[int, int]:
        """(height, width) of a frame, pixels."""
        return self._frames[0].shape[:2]

    @property
    def columns(self) -> int:
        """Frames in a row of the picture; frame i lies in row i // columns, column i % columns."""
        return min(len(self._frames), max(MAX_WIDTH // self.tile_size[1], 1))

    def picture(self) -> np.ndarray:
        """All frames, row by row, uint8 [H', W', C]; black where the last row has none."""
        (height, width), columns = self.tile_size, self.columns
        rows = -(-len(self._frames) // columns)
        tiles = np.zeros((rows * columns, *self._frames[0].shape), np.uint8)
        tiles[: len(self._frames)] = self._frames
        tiles = tiles.reshape(rows, columns, *self._frames[0].shape)
        return tiles.swapaxes(1, 2).reshape(rows * height, columns * width, -1)

    def save(self, path: Path) -> None:
        """Write the picture as lossless WebP."""
        from PIL import Image

        picture = self.picture()
        image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
        image.convert("RGB").save(path, format="WEBP", lossless=True, quality=70, method=4)
