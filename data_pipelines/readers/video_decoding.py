"""Decodes video files with PyAV (FFmpeg)."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np

from data_pipelines.errors import DataError
from data_pipelines.readers.complete_files import require_complete
from data_pipelines.readers.pixels import MAX_PIXELS, require_sane_size
from data_pipelines.readers.video_frames import FrameReader

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
# FFmpeg's own decoders pass over alpha that WebM keeps beside the stream.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_HDR = {16: "PQ", 18: "HLG"}  # transfer functions, by their numbers in ITU-T H.273


def decode(
    path: Path,
    convert: Callable[[av.VideoFrame], np.ndarray] | None = None,
    threads: int = 0,
) -> Iterator[np.ndarray]:
    """Yield the frames of a video file, uint8 [H, W, C], in the order of presentation.

    The decoder puts frames in order; time stamps are not used, as AVI files have wrong ones. GIFs
    too are decoded by FFmpeg: Pillow clears what disposal 0 leaves standing after a disposal 2.
    Damaged pictures are refused where the format shows it: H.264 and MPEG-4 do, VP9 and FFV1
    hardly.

    Args:
        path: the file.
        convert: makes an array of a decoded frame; None: a `FrameReader`, which see.
        threads: of the decoder; 0: as many as it likes.

    Raises:
        DataError: the file is no video, is cut short, damaged, or has absurdly large frames.
    """
    require_complete(path)
    convert = convert or FrameReader(path)
    index = 0
    try:
        with _opened(path) as (container, stream):
            decoder = _decoder(stream, path)
            _bound_memory(path, decoder, threads)
            decoder.thread_type = "AUTO"
            for packet in container.demux(stream):
                for frame in decoder.decode(packet):
                    if frame.is_corrupt:
                        raise DataError(
                            f"{path}: frame {index} is damaged; repair or remove the file."
                        )
                    yield convert(frame)
                    index += 1
        if not index:
            raise DataError(f"{path}: holds no frame.")
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


def stored_otherwise(path: Path) -> list[str]:
    """What `decode` gives as it is stored though players show it otherwise: phrases.

    Empty where nothing is to be said, and of what is no video.
    """
    try:
        with _opened(path) as (_, stream):
            ratio, transfer = stream.sample_aspect_ratio, stream.codec_context.color_trc
    except Exception:  # a damaged video can raise a dozen types; decoding it says why
        return []
    found = []
    if ratio and ratio != 1:
        shape = f"{ratio.numerator}:{ratio.denominator}"
        found.append(f"pixels are not square ({shape}), frames are read as stored")
    if transfer in _HDR:
        found.append(f"colours are HDR ({_HDR[transfer]}), values are read as stored")
    return found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    # The prefix keeps a name with a colon or a % from being more than a name.
    with av.open(f"file:{path}", options=_OPTIONS, metadata_errors="replace") as container:
        yield container, _video_stream(container, path)


def _decoder(stream: av.VideoStream, path: Path) -> av.VideoCodecContext:
    """The stream's own, or one that gives alpha too where it is kept beside the stream."""
    context = stream.codec_context
    if context is None:
        raise DataError(f"{path}: holds a video of no known codec; convert it.")
    name = _ALPHA_DECODERS.get(context.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}  # writers differ in case
    if name is None or tags.get("alpha_mode") != "1":
        return context
    if name not in av.codecs_available:
        raise DataError(
            f"{path}: has alpha, for which this build of PyAV lacks {name}; install one that has "
            "it (`pip install av`), or convert the video."
        )
    decoder = av.CodecContext.create(name, "r")
    for known in ("width", "height", "pix_fmt", "colorspace", "color_range"):
        setattr(decoder, known, getattr(context, known))
    return decoder


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
    """FFmpeg's choice, which players follow: no preview beside the film."""
    covers = av.stream.Disposition.attached_pic
    # The cover picture of a piece of music is stored as a video stream.
    streams = [s for s in container.streams.video if not s.disposition & covers]
    if not streams:
        raise DataError(
            f"{path}: holds no video" + (", only audio." * bool(container.streams.audio) or ".")
        )
    best = container.streams.best("video")
    return best if best in streams else streams[0]
