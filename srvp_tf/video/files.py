"""Writes videos to files: the suffix chooses the format, and no half-written file is ever seen."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError
from srvp_tf.runs.atomic_files import replacing
from srvp_tf.runs.npz_files import write_npz
from srvp_tf.video.canvas import Conditioning, grid_frames, shown_videos, strip, to_uint8
from srvp_tf.video.gif import write_gif

# suffix -> container, encoder, options: constant quality at which the coloured borders stay clean.
ENCODERS = {
    ".mp4": ("mp4", "libx264", {"crf": "16", "preset": "medium"}),
    ".webm": ("webm", "libvpx-vp9", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4"}),
}
SUFFIXES = (".gif", *ENCODERS, ".png", ".npz")
# BT.709 of limited range, by the numbers of ITU-T H.273: untagged, players guess by the size.
_COLOURS = {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}


def write_video(
    path: str | os.PathLike,
    videos: np.ndarray,
    *,
    fps: float = 10,
    conditioning: Conditioning = 0,
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    scale: int | None = None,
    every: int = 1,
) -> None:
    """Writes one or several videos of equal size into one file.

    .gif, .mp4 (H.264) and .webm (VP9) play the videos on a grid; .png is a film strip with one row
    per video; .npz holds the bare frames as `frames`, uint8, in the shape given.

    Args:
      path: where to; the suffix is the format. Missing parent folders are created.
      videos: array or tensor [T, H, W, C], [N, T, H, W, C] or [B, S, T, H, W, C] (B rows of S);
        C is 1 or 3; uint8, or float in [0, 1], which is quantised as floor(255 x).
      fps: frames per second, above 0; at most 50 in a .gif. Unused in .png and .npz.
      conditioning: frames with an index below it are framed green (given), later ones red
        (predicted); one number or one per video, T for a true video. None draws no frames.
      captions: one line per video, rows first.
      columns: videos per row; by default S, or N up to 6. Unused in .png and .npz.
      scale: how many pixels a pixel is wide; by default 64 x 64 frames become 192 wide (128 in
        .png). Unused in .npz.
      every: in a .png, show every n-th frame only.

    Raises:
      UserError: the suffix is unknown; a shape, dtype or count is not as above; a value is NaN or
        out of range; or the file cannot be written.
    """
    path = local_path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path}: unknown video format; use one of {', '.join(SUFFIXES)}")
    if not fps > 0:
        raise UserError(f"fps must be above 0, got {fps:g}")
    clips = shown_videos(videos, conditioning, captions, columns)
    with writing(path) as temporary:
        if suffix == ".npz":
            with open(temporary, "wb") as file:
                write_npz(file, {"frames": to_uint8(videos)}, compressed=True)
        elif suffix == ".png":
            from PIL import Image

            picture = strip(
                videos, conditioning=conditioning, captions=captions, every=every, scale=scale
            )
            Image.fromarray(picture).save(temporary, format="PNG")
        elif suffix == ".gif":
            write_gif(temporary, list(grid_frames(clips, scale)), fps)
        else:
            _encode(temporary, grid_frames(clips, scale), fps, *ENCODERS[suffix])


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Context that gives a new file, which takes the place of `path`; missing folders are created.

    Raises:
      UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            yield temporary
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _encode(
    path: Path,
    pictures: Iterable[np.ndarray],
    fps: float,
    container_format: str,
    encoder: str,
    options: dict[str, str],
) -> None:
    """Encodes uint8 [H, W, 3] pictures in YUV 4:2:0, whose sizes must be even: white is added.

    The colours are those of BT.709, and tagged so.
    """
    import av
    from av.video.reformatter import VideoReformatter

    if encoder not in av.codecs_available:
        raise UserError(f"this build of PyAV lacks {encoder}, needed for .{container_format} files")
    with av.open(str(path), "w", format=container_format) as container:
        stream, reformatter = None, VideoReformatter()
        for picture in pictures:
            height, width, _ = picture.shape
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                stream = container.add_stream(encoder, rate=rate, options=options)
                stream.width, stream.height = width + width % 2, height + height % 2
                stream.pix_fmt = "yuv420p"
                for name, number in _COLOURS.items():
                    setattr(stream.codec_context, name, number)
            padding = ((0, height % 2), (0, width % 2), (0, 0))
            picture = np.pad(picture, padding, constant_values=255)
            frame = reformatter.reformat(
                av.VideoFrame.from_ndarray(picture, format="rgb24"),
                format=stream.pix_fmt,
                dst_colorspace=_COLOURS["colorspace"],
                dst_color_range=_COLOURS["color_range"],
            )
            frame.colorspace, frame.color_range = _COLOURS["colorspace"], _COLOURS["color_range"]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
