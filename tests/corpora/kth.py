"""A stand-in for KTH: motion-capture figures as `raw/<action>/person<PP>_<action>_d<D>_uncomp.avi`.

    python -m tests.corpora.kth --output_dir=/tmp/kth --persons=1,2,21,22 --takes=2

Persons 1 to 20 train, 21 to 25 test. There are up to 4 takes of each action.

160 x 120 grey pixels, 25 frames a second, MPEG-4 (DivX), 60 to 120 frames. A person has a size, a
speed and clothes; the second take is seen from further away, the third in other clothes, the fourth
in the dark. Runners cross the picture, turn outside and come back, as KTH's do.
"""

from pathlib import Path

import numpy as np

from tests.corpora import command
from tests.corpora.encoding import write_video
from tests.corpora.humanoid import Person, Stage, side_view

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
PERSONS = (1, 2, 3, 4, 21, 22)
WIDTH, HEIGHT, FPS = 160, 120, 25
MIN_FRAMES, MAX_FRAMES = 60, 120

_SPEEDS = {"jogging": 1.9, "running": 3.2, "walking": 1.1}  # metres a second
_MOTIONS = {"jogging": "run", "running": "run", "walking": "walk"}
_TEMPO = {"jogging": 0.75, "running": 1.0, "walking": 1.0}
_TURNING_POINT = 2.6  # metres from the middle, outside the picture
_LUMA = (0.299, 0.587, 0.114)


def make_kth(output_dir, persons=PERSONS, takes=1, max_frames=MAX_FRAMES):
    """Write the corpus; returns {path: number of frames}."""
    written = {}
    for action in ACTIONS:
        for person in persons:
            for take in range(1, takes + 1):
                name = f"person{person:02d}_{action}_d{take}_uncomp.avi"
                path = Path(output_dir, "raw", action, name)
                frames = video(action, person, take, max_frames)
                written[path] = write_video(path, frames, FPS)
    return written


def video(action, person, take, max_frames=MAX_FRAMES):
    """Yield the frames of a video, uint8 [120, 160]."""
    looks = np.random.default_rng([person, take if take == 3 else 0])
    rng = np.random.default_rng([person, take, ACTIONS.index(action)])
    dark = 0.5 if take == 4 else 1.0
    skin, shirt, trousers = ((grey,) * 3 for grey in dark * looks.uniform(0.1, 0.6, 3))
    ground, wall = ((grey,) * 3 for grey in dark * rng.uniform((0.55, 0.75), (0.7, 0.95)))
    figure = Person(looks.uniform(0.23, 0.28), skin, shirt, trousers)
    camera = side_view(5.0 if take == 2 else 3.4)
    tempo, start = looks.uniform(0.85, 1.15), rng.uniform(0, 4)
    with Stage(figure, ground, wall) as stage:
        for frame in range(rng.integers(min(MIN_FRAMES, max_frames), max_frames + 1)):
            pose = _pose(stage, action, tempo, start + frame / FPS)
            picture = stage.picture(pose, camera, WIDTH, HEIGHT)
            yield np.round(picture @ _LUMA).astype(np.uint8)


def _pose(stage, action, tempo, time):
    """A figure's pose at a time in seconds."""
    if action in _SPEEDS:
        pose = stage.mocap(_MOTIONS[action], _TEMPO[action] * tempo * time)
        # To and fro between the turning points: a triangle wave of the way gone.
        way = _SPEEDS[action] * tempo * time % (4 * _TURNING_POINT)
        outward = way < 2 * _TURNING_POINT
        x = (way if outward else 4 * _TURNING_POINT - way) - _TURNING_POINT
        turn = 0.0 if outward else np.pi
        return pose._replace(position=pose.position + [x, 0, 0], turn=turn)
    beat = 2 * np.pi * tempo * time
    if action == "boxing":
        return stage.mocap("punch", tempo * time)
    if action == "handclapping":
        spread = 0.35 + 0.35 * np.sin(2 * beat)
        right = ((0.3, -spread, 1.0), 1.3, 0.3)
        left = ((-0.3, spread, 1.0), 1.3, 0.3)
    else:
        lift = 1.5 + 0.9 * np.sin(beat)
        right, left = ((1, 0, 0), -lift, 0.2), ((1, 0, 0), lift, 0.2)
    return stage.standing(right, left)._replace(turn=-np.pi / 2)


if __name__ == "__main__":
    command.run(make_kth, __doc__)
