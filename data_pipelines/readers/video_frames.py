"""Makes arrays of decoded frames: in the colours that their tags say, and upright."""

from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from data_pipelines.errors import DataError
from data_pipelines.readers.pixels import on_white

# Matrices of ITU-T H.273 between YCbCr and RGB -> those that every FFmpeg knows: what says nothing
# is BT.601, as FFmpeg has it (0: RGB, which these pixel formats are not; 3: reserved).
_BT601 = 6
_MATRICES = {0: _BT601, 1: 1, 2: _BT601, 3: _BT601, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}
# Grey levels 16 to 235 -> 0 to 255: of grey alone FFmpeg's scaler does it by version.
_FULL_RANGE = ((np.arange(256.0) - 16) * 255 / 219).round().clip(0, 255).astype(np.uint8)

Matrix = tuple[int, int, int, int]
"""a, b, c, d: what is at (x, y) is shown at (a x + c y, b x + d y), but for a shift; y is down."""


class FrameReader:
    """Makes arrays of the frames of ONE video, which it is given in the order of presentation.

    It keeps what FFmpeg prepares for a pixel format and size: anew for every frame that takes
    several times as long as the conversion itself.
    """

    def __init__(self, path: Path):
        self._path = path
        self._reformatter = VideoReformatter()
        self._shown: Matrix = (1, 0, 0, 1)

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Upright pixels, uint8 [H, W, 1 or 3]: grey, or RGB with alpha laid on white.

        An orientation holds until a frame brings another one: streams carry it on key frames alone.
        """
        self._shown = _display_matrix(frame) or self._shown
        return _oriented(self.pixels(frame), self._shown)

    def pixels(self, frame: av.VideoFrame) -> np.ndarray:
        """Pixels as they are stored, uint8 [H, W, 1 or 3]; raises `DataError` for odd colours."""
        if not frame.format.name.startswith(("gray", "mono")):
            if any(component.is_alpha for component in frame.format.components):
                # To packed RGBA, FFmpeg 7 and 8.0 write beyond the end of a row from YUV.
                planar = "rgba" if _is_rgb(frame) else "gbrap"
                return on_white(self._reformatted(frame, planar))
            return self.rgb(frame)
        limited = frame.color_range == ColorRange.MPEG
        grey = self._reformatter.reformat(frame, format="gray").to_ndarray()[..., np.newaxis]
        return _FULL_RANGE[grey] if limited else grey

    def rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """Pixels as they are stored, without alpha: uint8 [H, W, 3]."""
        return self._reformatted(frame, "rgb24")

    def _reformatted(self, frame: av.VideoFrame, pixel_format: str) -> np.ndarray:
        if _is_rgb(frame):
            return self._reformatter.reformat(frame, format=pixel_format).to_ndarray()
        if frame.colorspace not in _MATRICES:
            raise DataError(
                f"{self._path}: its colours have the rare matrix {frame.colorspace} of H.273; "
                "convert it to BT.709."
            )
        name = frame.format.name
        full = frame.color_range == ColorRange.JPEG or name.startswith(("yuvj", "gray", "ya"))
        # PyAV before 17 heeds neither tag; and a matrix that is asked for only if the one of the
        # result, which RGB has not, is another.
        frame.colorspace = _MATRICES[frame.colorspace]
        frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        return self._reformatter.reformat(
            frame,
            format=pixel_format,
            dst_colorspace=Colorspace.DEFAULT,
            src_color_range=frame.color_range,
        ).to_ndarray()


def _is_rgb(frame: av.VideoFrame) -> bool:
    return frame.format.is_rgb or frame.format.has_palette


def _display_matrix(frame: av.VideoFrame) -> Matrix | None:
    """How a frame says that it is to be shown; None: it does not say."""
    try:
        data = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # the frame has data of a kind that PyAV has no name for
        if not frame.rotation:
            return None
        turn = np.exp(1j * np.deg2rad(frame.rotation))  # counterclockwise
        return (turn.real, -turn.imag, turn.imag, turn.real)
    if data is None:
        return None
    a, b, _, c, d = np.frombuffer(data, np.int32)[:5].tolist()
    return (a, b, c, d)


def _oriented(pixels: np.ndarray, shown: Matrix) -> np.ndarray:
    """Turn and mirror [H, W, C] by the nearest of the eight matrices of quarter turns."""
    a, b, c, d = shown
    if abs(a * d) < abs(b * c):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
