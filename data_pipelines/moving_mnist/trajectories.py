"""Moving MNIST by the book: the authors' procedure, one digit and one frame at a time.

This is the definition. It is exact to the last bit (float64, NumPy's legacy generator, the draws
in the authors' order), makes the official test set, and is what the fast training generator of
`moving_mnist` is tested against. Rows are x, columns are y; `extent` = frame_size - digit_size is
the largest coordinate that a digit's upper left corner may have.
"""

from typing import NamedTuple

import numpy as np

BORDER_TOLERANCE = 1e-8


class Motion(NamedTuple):
    """Exact state: corner (x, y) in pixels, velocity (dx, dy) in pixels a frame.

    Floats of one digit; in `motion` float64 tensors of one shape, for many.
    """

    x: float
    y: float
    dx: float
    dy: float


def start(
    rng: np.random.RandomState, *, frame_size: int = 64, digit_size: int = 28, max_speed: int = 4
) -> Motion:
    """Draw a start: x, y ~ U{0..extent}, then dx, dy ~ U{-max_speed..max_speed}."""
    x, y = (float(rng.randint(frame_size - digit_size + 1)) for _ in range(2))
    return Motion(x, y, *_velocity(rng, max_speed))


def _velocity(rng: np.random.RandomState, max_speed: int) -> tuple[float, float]:
    return tuple(float(rng.randint(-max_speed, max_speed + 1)) for _ in range(2))


def trajectory(
    rng: np.random.RandomState,
    num_frames: int,
    *,
    frame_size: int = 64,
    digit_size: int = 28,
    max_speed: int = 4,
    deterministic: bool = False,
) -> np.ndarray:
    """One digit's path, float64 [num_frames, 4]: round(x), round(y), dx, dy of every frame.

    A border returns the digit with a newly drawn velocity, or as a mirror does if
    `deterministic`. Only what is recorded is rounded (half to even), never the state.
    """
    extent = float(frame_size - digit_size)
    state = start(rng, frame_size=frame_size, digit_size=digit_size, max_speed=max_speed)
    path = np.empty((num_frames, 4))
    for frame in range(num_frames):
        while not inside(state, extent):
            state = bounce(state, extent, None if deterministic else rng, max_speed)
        path[frame] = round(state.x), round(state.y), state.dx, state.dy
        x, y, dx, dy = state
        state = Motion(x + dx, y + dy, dx, dy)
    return path


def inside(state: Motion, extent: float) -> bool:
    """Whether the whole digit is within the frame."""
    return within(state.x, extent) & within(state.y, extent)


def within(value: float, extent: float) -> bool:
    """Whether a coordinate is within the frame, up to `BORDER_TOLERANCE`."""
    return (value >= -BORDER_TOLERANCE) & (value <= extent + BORDER_TOLERANCE)


def bounce(
    state: Motion, extent: float, rng: np.random.RandomState | None, max_speed: int
) -> Motion:
    """Return a digit that left the frame: back to the border, then on with its new velocity.

    With `rng` the new velocity is drawn, without one it is the old one. Either way its components
    normal to the borders that were crossed are turned inward.
    """
    (x, y, dx, dy) = state
    (cross_x, cross_y), off_x, off_y = _crossing(state, extent)
    rest = (x - cross_x) / dx if dx != 0 else (y - cross_y) / dy
    new_dx, new_dy = (dx, dy) if rng is None else _velocity(rng, max_speed)
    if off_x:
        new_dx = -abs(new_dx) if dx > 0 else abs(new_dx)
    if off_y:
        new_dy = -abs(new_dy) if dy > 0 else abs(new_dy)
    return Motion(cross_x + rest * new_dx, cross_y + rest * new_dy, new_dx, new_dy)


def _crossing(state: Motion, extent: float) -> tuple[tuple[float, float], bool, bool]:
    """Where the path left the frame, and whether by an x border, by a y border or (corner) both."""
    (x, y, dx, dy) = state
    border_x = extent if dx > 0 else 0.0
    border_y = extent if dy > 0 else 0.0
    if dx == 0:
        return (x, border_y), False, True
    if dy == 0:
        return (border_x, y), True, False
    # Any other order of these operations moves some halves across the rounding.
    slope = dy / dx
    offset = y - slope * x
    y_at_border = slope * border_x + offset
    x_at_border = (border_y - offset) / slope
    off_x, off_y = within(y_at_border, extent), within(x_at_border, extent)
    point = (x_at_border, border_y) if off_y else (border_x, y_at_border)
    return point, off_x, off_y


def render_digits(digits: np.ndarray, trajectories: np.ndarray, frame_size: int = 64) -> np.ndarray:
    """Draw digits along their paths: summed, clipped at 255.

    Args:
        digits: uint8 [D, h, h], one picture per moving digit.
        trajectories: [D, T, >= 2]; the first two columns are the corners (row, column).
        frame_size: height and width of the frames.

    Returns:
        uint8 [T, frame_size, frame_size].
    """
    size = digits.shape[-1]
    video = np.zeros((trajectories.shape[1], frame_size, frame_size), np.uint16)
    for digit, path in zip(digits, trajectories[..., :2].astype(int), strict=True):
        for frame, (row, column) in zip(video, path, strict=True):
            frame[row : row + size, column : column + size] += digit
    return np.minimum(video, 255).astype(np.uint8)
