"""Files that look like videos and cannot be used, one of every kind.

python -m tests.corpora.broken_videos --output_dir=/tmp/broken
"""

from pathlib import Path

import av
import numpy as np

from tests.corpora import command
from tests.corpora.encoding import write_video
from tests.corpora.real_videos import write_images

SHORT = 5  # frames


def make_broken_videos(output_dir):
    """Write them; returns {path: a word that says what is wrong with it}."""
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    frames = _moving_pictures(40)
    paths = {}

    def named(name, fault):
        paths[folder / name] = fault
        return folder / name

    for suffix in (".mp4", ".avi", ".mkv", ".webm", ".gif"):
        path = named(f"truncated{suffix}", "cut short")
        write_video(path, frames)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    named("empty.avi", "is empty").touch()
    named("garbage.mp4", "no video").write_bytes(np.random.default_rng(0).bytes(20_000))
    _write_sound(named("sound.mp4", "only audio"))
    write_video(named("short.mkv", "frames"), frames[:SHORT])
    write_images(named("mixed_sizes", "one size"), [*frames[:20], *(f[:-16] for f in frames[20:])])
    damaged = named("damaged_image", "image")
    write_images(damaged, frames)
    picture = damaged / "frame7.png"
    picture.write_bytes(picture.read_bytes()[:200])
    return paths


def _moving_pictures(count):
    """A list of frames, uint8 [96, 128, 3], that roll to the side."""
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    picture = picture.repeat(8, axis=0).repeat(8, axis=1)
    return [np.roll(picture, 3 * shift, axis=1) for shift in range(count)]


def _write_sound(path):
    """Two seconds of a tone, as AAC, and no picture."""
    rate = 44_100
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate, dtype=np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


if __name__ == "__main__":
    command.run(make_broken_videos, __doc__)
