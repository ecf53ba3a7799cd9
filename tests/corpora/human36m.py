"""A stand-in for Human3.6M: drawn videos as `S<n>/Videos/<action>.<camera>.mp4`.

    python -m tests.corpora.human36m --output_dir=/tmp/human36m

1000 x 1002 pixels in colour, 50 frames a second, H.264. One file has a name that starts with an
underscore, which is to be skipped.
"""

import shutil
from pathlib import Path

import numpy as np

from tests.corpora import command
from tests.corpora.encoding import write_video
from tests.corpora.passer_by import passer_by

SUBJECTS = (1, 5, 6, 7, 8, 9, 11)
NUM_FRAMES = 425
"""A test clip needs 52 * 8 + 1 = 417."""


def make_human36m(output_dir, subjects=SUBJECTS, num_frames=NUM_FRAMES):
    """Write a video of each subject, each a frame longer than the last; returns {path: frames}."""
    written = {}
    for number, subject in enumerate(subjects):
        path = Path(output_dir, f"S{subject}", "Videos", f"Walking {subject}.54138969.mp4")
        rng, count = np.random.default_rng(subject), num_frames + number
        written[path] = write_video(path, passer_by(rng, count, 1002, 1000, speed=0.004), fps=50)
    shutil.copy(path, path.with_name("_ALL.54138969.mp4"))
    return written


if __name__ == "__main__":
    command.run(make_human36m, __doc__)
