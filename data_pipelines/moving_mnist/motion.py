"""Moving MNIST's rules of motion for many digits at once, in TensorFlow.

The same arithmetic as `trajectories`, operation by operation in float64, so that equal draws give
equal paths to the last bit. Only the draws differ: each has an address (see `draws`) instead of a
place in one generator's sequence.
"""

from typing import NamedTuple

import tensorflow as tf

from data_pipelines.moving_mnist.draws import ClipRows, uniform_integers, words
from data_pipelines.moving_mnist.trajectories import Motion, inside, within

_START_WORDS = 5  # the picture, x, y, dx, dy


class Rules(NamedTuple):
    """What the digits obey: sizes in pixels, speeds in pixels a frame."""

    num_digits: int
    frame_size: int
    digit_size: int
    max_speed: int
    deterministic: bool

    @property
    def extent(self) -> int:
        """The largest coordinate of a digit's upper left corner."""
        return self.frame_size - self.digit_size


class Scenes(NamedTuple):
    """What clips show: which pictures, and where they are in each frame."""

    pictures: tf.Tensor
    """int32 [clips, digits], indices of digits."""
    corners: tf.Tensor
    """int32 [clips, frames, digits, 2], the row and column of each upper left corner."""


def scenes(key: tf.Tensor, clips: ClipRows, length: int, num_pictures: int, rules: Rules) -> Scenes:
    """Draw clips of a stream: pictures uniformly out of num_pictures, paths by the rules.

    A clip is a function of (key, its index); a longer one begins as the shorter one does.
    """
    pictures, motions = starts(key, clips, num_pictures, rules)

    def step(frame: tf.Tensor, state: Motion, recorded: tf.TensorArray):
        state = _return_strays(state, key, clips, frame, rules)
        corners = tf.cast(tf.stack([tf.round(state.x), tf.round(state.y)], -1), tf.int32)
        state = state._replace(x=state.x + state.dx, y=state.y + state.dy)
        return frame + 1, state, recorded.write(frame, corners)

    recorded = tf.TensorArray(tf.int32, length, element_shape=(clips.count, rules.num_digits, 2))
    *_, recorded = tf.while_loop(
        lambda frame, *_: frame < length, step, (tf.constant(0), motions, recorded)
    )
    return Scenes(pictures, tf.transpose(recorded.stack(), (1, 0, 2, 3)))


def starts(
    key: tf.Tensor, clips: ClipRows, num_pictures: int, rules: Rules
) -> tuple[tf.Tensor, Motion]:
    """Draw pictures, int32 [clips, digits], and first states of the same shape."""
    tag = tf.zeros((), tf.uint64)  # frame 0 has no other draws: all digits start inside
    drawn = words(key, clips, (rules.num_digits, _START_WORDS), tag)
    picture, x, y, dx, dy = tf.unstack(drawn, axis=-1)
    motions = Motion(
        uniform_integers(x, 0, rules.extent),
        uniform_integers(y, 0, rules.extent),
        uniform_integers(dx, -rules.max_speed, rules.max_speed),
        uniform_integers(dy, -rules.max_speed, rules.max_speed),
    )
    return tf.cast(uniform_integers(picture, 0, num_pictures - 1), tf.int32), motions


def redrawn_velocities(
    key: tf.Tensor, clips: ClipRows, frame: tf.Tensor, attempt: tf.Tensor, rules: Rules
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draw the dx and dy, float64 [clips, digits], of the `attempt`-th bounces in a frame."""
    tag = tf.bitwise.left_shift(tf.cast(frame, tf.uint64), tf.constant(32, tf.uint64))
    tag += tf.cast(attempt, tf.uint64)
    drawn = words(key, clips, (2, rules.num_digits), tag)
    velocity = uniform_integers(drawn, -rules.max_speed, rules.max_speed)
    return velocity[:, 0], velocity[:, 1]


def bounce(
    state: Motion, extent: float, new_velocity: tuple[tf.Tensor, tf.Tensor] | None
) -> Motion:
    """Return digits that left the frame, as `trajectories.bounce` does; mirror them without draws.

    The result means nothing for a digit that is inside.
    """
    x, y, dx, dy = state
    border_x = extent * tf.cast(dx > 0, x.dtype)
    border_y = extent * tf.cast(dy > 0, y.dtype)
    upright = dx == 0
    # A zero dy makes x_at_border infinite or NaN, which is not within the frame, as it should be.
    slope = dy / dx
    offset = y - slope * x
    y_at_border = slope * border_x + offset
    x_at_border = tf.where(upright, x, (border_y - offset) / slope)
    off_x, off_y = within(y_at_border, extent), within(x_at_border, extent)
    cross_x = tf.where(off_y, x_at_border, border_x)
    cross_y = tf.where(off_y, border_y, y_at_border)
    rest = tf.where(upright, (y - cross_y) / dy, (x - cross_x) / dx)
    new_dx, new_dy = (dx, dy) if new_velocity is None else new_velocity
    new_dx = tf.where(off_x, _against(dx, new_dx), new_dx)
    new_dy = tf.where(off_y, _against(dy, new_dy), new_dy)
    return Motion(cross_x + rest * new_dx, cross_y + rest * new_dy, new_dx, new_dy)


def _return_strays(
    state: Motion, key: tf.Tensor, clips: ClipRows, frame: tf.Tensor, rules: Rules
) -> Motion:
    """Bounce the digits that are outside until none is: as often as it takes, no bound."""
    extent = float(rules.extent)

    def again(attempt: tf.Tensor, state: Motion, stray: tf.Tensor):
        new_velocity = None
        if not rules.deterministic:
            new_velocity = redrawn_velocities(key, clips, frame, attempt, rules)
        bounced = bounce(state, extent, new_velocity)
        both = zip(bounced, state, strict=True)
        state = Motion(*(tf.where(stray, new, old) for new, old in both))
        return attempt + 1, state, ~inside(state, extent)

    _, state, _ = tf.while_loop(
        lambda attempt, state, stray: tf.reduce_any(stray),
        again,
        (tf.constant(0), state, ~inside(state, extent)),
    )
    return state


def _against(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    """The size of `new`, turned against the sign of `old`."""
    return tf.where(old > 0, -tf.abs(new), tf.abs(new))
