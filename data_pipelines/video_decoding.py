"""Decodes video files with PyAV (FFmpeg)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from data_pipelines.complete_files import require_complete
from data_pipelines.errors import DataError
from data_pipelines.pixels import MAX_PIXELS, on_white, require_sane_size

_OPTIONS = {
    # FFmpeg would also take play lists, which name other files and addresses, and show plain text
    # as a film of letters.
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,gif",
    "protocol_whitelist": "file",
}
# A decoder keeps up to 17 frames, and some more for each of its threads.
_MAX_FRAME_BYTES = 1 << 26  # 8K in YUV 4:2:0 takes 48 MiB, 4K of 16 bits in 4:4:4 as much
_MANY_THREADS_BYTES = 1 << 24
_MOST_BITS = 64  # of a pixel, where its format is not known yet


def to_array(frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray:
    """The pixels of a decoded frame, uint8 [H, W, 1 or 3]: grey, or RGB with alpha laid on white.

    A rotation by quarter turns that the file asks for (telephones) is done. The reformatter, one
    per video, keeps what FFmpeg prepares for a pixel format and size: anew for every frame that
    takes several times as long as the conversion itself.
    """
    if frame.format.name.startswith(("gray", "mono")):
        pixels = reformatter.reformat(frame, format="gray").to_ndarray()[..., np.newaxis]
    elif any(component.is_alpha for component in frame.format.components):
        pixels = on_white(reformatter.reformat(frame, format="rgba").to_ndarray())
    else:
        pixels = reformatter.reformat(frame, format="rgb24").to_ndarray()
    turns = round(frame.rotation / 90) % 4  # degrees, counterclockwise
    return np.rot90(pixels, turns) if turns else pixels


def decode(
    path: Path,
    convert: Callable[[av.VideoFrame, VideoReformatter], np.ndarray] = to_array,
    threads: int = 0,
) -> Iterator[np.ndarray]:
    """Yield the frames of a video file, uint8 [H, W, C], in the order of presentation.

    The decoder puts frames in order; time stamps are not used, as AVI files have wrong ones. GIFs
    too are decoded by FFmpeg: Pillow clears what disposal 0 leaves standing after a disposal 2.
    Damaged pictures are refused where the format shows it: H.264 and MPEG-4 do, VP9 and FFV1
    hardly.

    Args:
        path: the file.
        convert: makes an array of a decoded frame.
        threads: of the decoder; 0: as many as it likes.

    Raises:
        DataError: the file is no video, is cut short, damaged, or has absurdly large frames.
    """
    require_complete(path)
    index = 0
    try:
        # The prefix keeps a name with a colon or a % from being more than a name.
        with av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace") as container:
            stream = _video_stream(container, path)
            context = stream.codec_context
            if context is None:
                raise DataError(f"{path}: holds a video of no known codec; convert it.")
            _bound_memory(path, context, threads)
            stream.thread_type = "AUTO"
            reformatter = VideoReformatter()
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise DataError(f"{path}: frame {index} is damaged; repair or remove the file.")
                yield convert(frame, reformatter)
                index += 1
    except DataError:
        raise
    except Exception as error:  # a damaged video can raise a dozen types
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        if index:
            raise DataError(
                f"{path}: cannot be decoded after frame {index - 1} ({reason}); repair or remove "
                "the file."
            ) from None
        raise DataError(
            f"{path}: is no video that can be decoded ({reason}); give a mp4, avi, mov, mkv, webm "
            "or gif."
        ) from None


def _bound_memory(path: Path, context: av.VideoCodecContext, threads: int) -> None:
    """Hold a decoder to frames of a sane size, now and later in the file."""
    require_sane_size(path, context.width, context.height)
    pixels, bits = context.width * context.height, _MOST_BITS
    if context.format:
        bits = max(1, context.format.padded_bits_per_pixel)
    frame_bytes = pixels * bits // 8
    if frame_bytes > _MAX_FRAME_BYTES:
        raise DataError(
            f"{path}: frames of {context.width} x {context.height} pixels of {bits} bits, more "
            f"than {_MAX_FRAME_BYTES >> 20} MiB; the header is broken, or scale the video down."
        )
    context.options = {"max_pixels": str(min(MAX_PIXELS, 8 * _MAX_FRAME_BYTES // bits))}
    context.thread_count = threads if frame_bytes <= _MANY_THREADS_BYTES else 2


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    covers = av.stream.Disposition.attached_pic
    # The cover picture of a piece of music is stored as a video stream.
    streams = [s for s in container.streams.video if not s.disposition & covers]
    if not streams:
        raise DataError(
            f"{path}: holds no video" + (", only audio." * bool(container.streams.audio) or ".")
        )
    return streams[0]
