"""Writes video files with PyAV, frame by frame; the suffix chooses codec and pixel format."""

from fractions import Fraction

import av

CODECS = {
    ".mp4": ("libx264", "yuv420p", {"crf": "18", "preset": "ultrafast"}),
    ".mov": ("libx264", "yuv420p", {"crf": "18", "preset": "ultrafast"}),
    ".avi": ("mpeg4", "yuv420p", {"b": "3M"}),
    ".mkv": ("ffv1", "yuv420p", {}),
    ".webm": ("libvpx", "yuv420p", {"crf": "8", "b": "2M", "deadline": "realtime"}),
    ".gif": ("gif", "rgb8", {}),
}


def write_video(path, frames, fps=25, encoder=None):
    """Encode frames, uint8 [H, W] (grey) or [H, W, 3]; returns their number."""
    codec, pixel_format, options = encoder or CODECS[path.suffix]
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        stream.pix_fmt = pixel_format
        for frame in frames:
            if not count:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, "gray" if frame.ndim == 2 else "rgb24")
            container.mux(stream.encode(picture))
            count += 1
        container.mux(stream.encode(None))
    return count
