"""Pictures of videos: a grid that plays, or a film strip.

As on the paper's project page, what was given to the model (and the truth) is framed in green, what
it predicted in red. Pixels are enlarged by whole factors and never blended, and borders lie outside
the frame, so no pixel of a video is lost.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from srvp_tf.errors import UserError
from srvp_tf.models.unit_range import check_unit_range

GREEN, RED, WHITE = (0, 158, 71), (214, 39, 40), (255, 255, 255)
GAP = 8
FONT_SIZE, SMALLEST_FONT_SIZE = 15, 11
LINE_HEIGHT = 20
LABEL_WIDTH = 240

Conditioning = int | Sequence[int] | None


class ShownVideos(NamedTuple):
    """N checked videos: frames uint8 [N, T, H, W, 3], what frames each one, and its caption."""

    frames: np.ndarray
    conditioning: list[int] | None
    captions: list[str] | None
    columns: int


def to_uint8(videos: np.ndarray) -> np.ndarray:
    """Quantises as saved frames are: floats in [0, 1] -> floor(255 x); uint8 unchanged.

    The truncation is the published one; k / 255 in float32 comes back as k.

    Raises:
      UserError: the dtype is neither uint8 nor floating point, or a value is NaN or not in [0, 1],
        but for rounding.
    """
    videos = np.asarray(videos)
    if videos.dtype == np.uint8:
        return videos
    if videos.dtype.name == "bfloat16" or videos.dtype == np.float16:
        videos = videos.astype(np.float32)
    if not np.issubdtype(videos.dtype, np.floating):
        raise UserError(f"videos must be uint8 or floats in [0, 1], got {videos.dtype}")
    if np.isnan(videos).any():
        raise UserError("videos hold NaN; the model that made them has diverged")
    check_unit_range(videos, "videos")
    return np.floor(255 * np.clip(videos, 0, 1)).astype(np.uint8)


def shown_videos(
    videos: np.ndarray,
    conditioning: Conditioning,
    captions: Sequence[str] | None,
    columns: int | None,
) -> ShownVideos:
    """Brings [T,H,W,C], [N,T,H,W,C] or [B,S,T,H,W,C] videos and what goes with them to one form.

    Raises:
      UserError: a shape, dtype, count or value is not what `write_video` documents.
    """
    frames = to_uint8(videos)
    if frames.ndim not in (4, 5, 6) or frames.shape[-1] not in (1, 3) or frames.size == 0:
        raise UserError(
            "videos must be [T,H,W,C], [N,T,H,W,C] or [B,S,T,H,W,C] with C = 1 or 3, "
            f"got shape {frames.shape}"
        )
    if frames.ndim == 6 and columns is None:
        columns = frames.shape[1]
    frames = frames.reshape(-1, *frames.shape[-4:])
    count = len(frames)
    if columns is None:
        columns = min(count, 6)
    if columns < 1:
        raise UserError(f"columns must be at least 1, got {columns}")
    if conditioning is not None:
        given = np.broadcast_to(conditioning, count) if np.ndim(conditioning) == 0 else conditioning
        conditioning = [int(frames_given) for frames_given in given]
        if len(conditioning) != count:
            raise UserError(f"{len(conditioning)} conditioning lengths for {count} videos")
    if captions is not None:
        captions = [captions] if isinstance(captions, str) else [str(text) for text in captions]
        if len(captions) != count:
            raise UserError(f"{len(captions)} captions for {count} videos")
    return ShownVideos(
        np.broadcast_to(frames, (*frames.shape[:-1], 3)), conditioning, captions, columns
    )


def grid_frames(clips: ShownVideos, scale: int | None = None) -> Iterator[np.ndarray]:
    """Plays the clips side by side, row by row: yields T pictures, uint8 [H', W', 3].

    Args:
      clips: the N videos; captions stand above them.
      scale: how many screen pixels a pixel is wide; None makes 64 x 64 frames 192 wide.
    """
    count, length, *_ = clips.frames.shape
    scale, border, cell_height, cell_width = _cell(clips, scale, width=192)
    text_height = LINE_HEIGHT if clips.captions else 0
    columns = min(clips.columns, count)
    rows = -(-count // columns)
    page = _blank(
        rows * (cell_height + text_height + GAP) + GAP, columns * (cell_width + GAP) + GAP
    )
    corners = [
        (
            GAP + text_height + (index // columns) * (cell_height + text_height + GAP),
            GAP + (index % columns) * (cell_width + GAP),
        )
        for index in range(count)
    ]
    for (top, left), text in zip(corners, clips.captions or [], strict=False):
        page[top - text_height : top, left : left + cell_width] = _text(text, cell_width)
    for time in range(length):
        picture = page.copy()
        for index, (top, left) in enumerate(corners):
            cell = _framed(clips, index, time, scale, border)
            picture[top : top + cell_height, left : left + cell_width] = cell
        yield picture


def strip(
    videos: np.ndarray,
    *,
    conditioning: Conditioning = 0,
    captions: Sequence[str] | None = None,
    every: int = 1,
    scale: int | None = None,
) -> np.ndarray:
    """A film strip, one row per video and one column per frame: -> uint8 [H', W', 3].

    Captions stand on the left and frame numbers, from 1, on top.

    Args:
      videos: as in `write_video`.
      conditioning: as in `write_video`.
      captions: as in `write_video`.
      every: shows frames 1, 1 + every, 1 + 2 every, ...
      scale: how many picture pixels a pixel is wide; None makes 64 x 64 frames 128 wide.

    Raises:
      UserError: as `write_video`.
    """
    clips = shown_videos(videos, conditioning, captions, None)
    if every < 1:
        raise UserError(f"every must be at least 1, got {every}")
    count, length, *_ = clips.frames.shape
    scale, border, cell_height, cell_width = _cell(clips, scale, width=128)
    gap = GAP // 2
    times = range(0, length, every)
    label_width = 0
    if clips.captions:
        label_width = min(max(map(_text_width, clips.captions)) + GAP, LABEL_WIDTH)
    picture = _blank(
        GAP + LINE_HEIGHT + count * (cell_height + gap) - gap + GAP,
        GAP + label_width + len(times) * (cell_width + gap) - gap + GAP,
    )
    for column, time in enumerate(times):
        left = GAP + label_width + column * (cell_width + gap)
        picture[GAP : GAP + LINE_HEIGHT, left : left + cell_width] = _text(
            str(time + 1), cell_width, centred=True
        )
        for index in range(count):
            top = GAP + LINE_HEIGHT + index * (cell_height + gap)
            cell = _framed(clips, index, time, scale, border)
            picture[top : top + cell_height, left : left + cell_width] = cell
    for index, text in enumerate(clips.captions or []):
        top = GAP + LINE_HEIGHT + index * (cell_height + gap) + (cell_height - LINE_HEIGHT) // 2
        picture[top : top + LINE_HEIGHT, GAP : GAP + label_width] = _text(text, label_width)
    return picture


def _cell(clips: ShownVideos, scale: int | None, width: int) -> tuple[int, int, int, int]:
    """(scale, thickness of the coloured frame, height and width with it): by default `width` wide.

    The frame is visible at a glance, and none without colours.
    """
    rows, columns = clips.frames.shape[2:4]
    scale = max(1, width // columns) if scale is None else scale
    if scale < 1:
        raise UserError(f"scale must be at least 1, got {scale}")
    border = 0 if clips.conditioning is None else max(2, columns * scale // 40)
    return scale, border, rows * scale + 2 * border, columns * scale + 2 * border


def _framed(clips: ShownVideos, index: int, time: int, scale: int, border: int) -> np.ndarray:
    """Frame `time` of a clip, enlarged, inside its border: uint8 [H', W', 3]."""
    pixels = clips.frames[index, time].repeat(scale, axis=0).repeat(scale, axis=1)
    if clips.conditioning is None:
        return pixels
    height, width, _ = pixels.shape
    cell = np.empty((height + 2 * border, width + 2 * border, 3), np.uint8)
    cell[:] = GREEN if time < clips.conditioning[index] else RED
    cell[border : border + height, border : border + width] = pixels
    return cell


def _blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), WHITE, np.uint8)


def _text_width(text: str, size: int = FONT_SIZE) -> int:
    from PIL import ImageFont

    return int(np.ceil(ImageFont.load_default(size).getlength(text)))


def _text(text: str, width: int, centred: bool = False) -> np.ndarray:
    """One line, black on white, made to fit `width` pixels: uint8 [LINE_HEIGHT, width, 3].

    A long line is set smaller, as far as it stays readable, and then cut.
    """
    from PIL import Image, ImageDraw, ImageFont

    text, size = " ".join(text.split()), FONT_SIZE
    while size > SMALLEST_FONT_SIZE and _text_width(text, size) > width:
        size -= 1
    if _text_width(text, size) > width:
        while text and _text_width(text + "...", size) > width:
            text = text[:-1].rstrip()
        text += "..."
    image = Image.new("L", (width, LINE_HEIGHT), 255)
    left = (width - _text_width(text, size)) // 2 if centred else 0
    middle, font = (left, LINE_HEIGHT // 2), ImageFont.load_default(size)
    ImageDraw.Draw(image).text(middle, text, fill=0, font=font, anchor="lm")
    return np.repeat(np.asarray(image)[..., None], 3, axis=-1)
