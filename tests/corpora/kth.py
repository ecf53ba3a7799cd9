"""A stand-in for KTH: drawn videos as `raw/<action>/person<PP>_<action>_d<D>_uncomp.avi`.

    python -m tests.corpora.kth --output_dir=/tmp/kth --persons=1,2,21,22

Persons 1 to 20 train, 21 to 25 test. 160 x 120 grey pixels, 25 frames a second, MPEG-4 (DivX).
"""

from pathlib import Path

import numpy as np

from tests.corpora import command
from tests.corpora.encoding import write_video
from tests.corpora.passer_by import passer_by

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")


def make_kth(output_dir, persons=(1, 2, 21, 22), num_frames=60):
    """Write a video of each action and person, n frames longer of person n; {path: frames}."""
    written = {}
    for number, action in enumerate(ACTIONS):
        for person in persons:
            name = f"person{person:02d}_{action}_d1_uncomp.avi"
            path = Path(output_dir, "raw", action, name)
            rng = np.random.default_rng([number, person])
            frames = passer_by(rng, num_frames + person, height=120, width=160, speed=0.03)
            written[path] = write_video(path, (frame[..., 0] for frame in frames))
    return written


if __name__ == "__main__":
    command.run(make_kth, __doc__)
