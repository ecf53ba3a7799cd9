"""The scene that stands for videos of people: a block goes to and fro before a wall."""

import numpy as np


def passer_by(rng, num_frames, height, width, speed):
    """Yield uint8 [height, width, 3]; `speed` is in widths of the picture a frame."""

    def grainy(colours):
        return np.rint(255 * colours + rng.normal(0, 5, colours.shape)).astype(np.uint8)

    side, top, bottom = width // 5, height // 4, height * 7 // 8
    wall, floor, block = rng.uniform((0.6, 0.3, 0.1), (0.9, 0.5, 0.3), (3, 3)).T
    rows = np.arange(height)[:, np.newaxis, np.newaxis]
    scene = grainy(np.where(rows < height * 3 // 4, wall, floor).repeat(width, axis=1))
    block = grainy(np.broadcast_to(block, (bottom - top, side, 3)))
    start = rng.uniform(0, 2)
    for frame in range(num_frames):
        share = abs(1 - (start + speed * frame) % 2)  # of the way that there is
        left = round(share * (width - side))
        picture = scene.copy()
        picture[top:bottom, left : left + side] = block
        yield picture
