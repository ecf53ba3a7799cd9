"""A stand-in for Human3.6M: motion-capture figures as `S<n>/Videos/<action>.<camera>.mp4`.

    python -m tests.corpora.human36m --output_dir=/tmp/human36m

1000 x 1002 pixels in colour, 50 frames a second, H.264. Each picture is drawn at a quarter of that
size and shown for four frames, as drawing takes most of the time; preparation keeps every frame,
training every eighth. One file has a name that starts with an underscore, which is to be skipped.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.corpora import command
from tests.corpora.encoding import write_video
from tests.corpora.humanoid import Person, Stage, side_view

SUBJECTS = (1, 5, 6, 7, 8, 9, 11)
ACTIONS = ("Walking", "Directions", "Posing", "Greeting", "Discussion")
CAMERAS = {"54138969": 0.0, "60457274": 2.2}
"""Name of a camera -> where it stands: its turn about the vertical, radians."""
WIDTH, HEIGHT, FPS = 1000, 1002, 50
NUM_FRAMES = 425
"""A test clip needs 52 * 8 + 1 = 417."""

_SHRINKING = 4
_HOLD = 4
_MOTIONS = {"Directions": "dance_a", "Posing": "dance_b", "Discussion": "punch"}
_CIRCLE = 0.7  # metres, the radius on which walkers walk
_SPEED = 1.1  # metres a second


def make_human36m(output_dir, subjects=SUBJECTS, videos_per_subject=1, num_frames=NUM_FRAMES):
    """Write the corpus, video i of which is i frames longer; returns {path: number of frames}."""
    written = {}
    for subject in subjects:
        folder = Path(output_dir, f"S{subject}", "Videos")
        for number in range(videos_per_subject):
            action = ACTIONS[(subject + number) % len(ACTIONS)]
            camera = list(CAMERAS)[number // len(ACTIONS) % len(CAMERAS)]
            count = num_frames + len(written)
            frames = video(subject, action, camera, count)
            path = folder / f"{action}.{camera}.mp4"
            written[path] = write_video(path, frames, FPS)
    first = next(iter(written))
    (first.parent / f"_ALL.{first.suffixes[-2][1:]}.mp4").write_bytes(first.read_bytes())
    return written


def video(subject, action, camera, num_frames):
    """Yield the frames of a video, uint8 [1002, 1000, 3]."""
    looks = np.random.default_rng(subject)
    person = Person(looks.uniform(0.23, 0.27), *looks.uniform(0.1, 0.9, (3, 3)))
    start = np.random.default_rng([subject, ACTIONS.index(action)]).uniform(0, 4)
    view = side_view(3.6, field_of_view=38.0)
    with Stage(person, (0.45, 0.25, 0.2), (0.75, 0.72, 0.65)) as stage:
        for frame in range(num_frames):
            if frame % _HOLD == 0:
                pose = _pose(stage, action, start + frame / FPS, CAMERAS[camera])
                small = stage.picture(pose, view, WIDTH // _SHRINKING, HEIGHT // _SHRINKING)
                picture = np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT)))
            yield picture


def _pose(stage, action, time, turn):
    """A figure's pose at a time in seconds, seen from a camera's direction."""
    if action == "Walking":
        angle = _SPEED * time / _CIRCLE
        place = _CIRCLE * np.array([np.sin(angle + turn), 0, np.cos(angle + turn)])
        pose = stage.mocap("walk", time)
        return pose._replace(position=pose.position + place, turn=angle + turn)
    if action == "Greeting":
        lift = 1.5 + 0.9 * np.sin(2 * np.pi * time)
        pose = stage.standing(((1, 0, 0), -lift, 0.2), ((1, 0, 0), 0.2, 0.2))
        return pose._replace(turn=turn - np.pi / 2)
    return stage.mocap(_MOTIONS[action], time)._replace(turn=turn)


if __name__ == "__main__":
    command.run(make_human36m, __doc__)
