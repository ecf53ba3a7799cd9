"""The training generator's paths against the reference: equal draws, equal paths, equal rules."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from data_pipelines.moving_mnist import motion, trajectories
from data_pipelines.moving_mnist.draws import ClipRows, stream_key
from data_pipelines.moving_mnist.motion import Rules

# Published settings, faster digits, more of them, and a frame so narrow that most steps bounce
# several times.
RULES = [
    Rules(2, 64, 28, 4, deterministic=False),
    Rules(2, 64, 28, 4, deterministic=True),
    Rules(3, 64, 28, 9, deterministic=False),
    Rules(2, 64, 28, 9, deterministic=True),
    Rules(1, 32, 28, 4, deterministic=False),
    Rules(2, 32, 28, 9, deterministic=False),
    Rules(2, 128, 28, 4, deterministic=False),
]


def name(rules):
    kind = "deterministic" if rules.deterministic else "stochastic"
    return f"{kind}-{rules.num_digits}-{rules.frame_size}-{rules.max_speed}"


def clips(count, first=0):
    return ClipRows(tf.constant(first, tf.int64), 1, count, range(count))


def generate(rules, count, length, seed=0):
    draw = tf.function(
        lambda: motion.scenes(stream_key(seed, "test"), clips(count), length, 100, rules)
    )
    return [x.numpy() for x in draw()]


class Replay:
    """Stands in for NumPy's generator: hands out the two components drawn for one bounce."""

    def __init__(self, dx, dy):
        self._left = [dx, dy]

    def randint(self, low, high):
        value = self._left.pop(0)
        assert low <= value < high
        return value


@pytest.mark.parametrize("rules", RULES, ids=name)
def test_equal_draws_give_the_reference_paths_to_the_bit(rules):
    count, length = 150, 20
    key = stream_key(0, "test")
    _, corners = generate(rules, count, length)
    _, first = motion.starts(key, clips(count), 100, rules)
    first = np.stack(first, -1)
    redraw = tf.function(
        lambda frame, attempt: motion.redrawn_velocities(key, clips(count), frame, attempt, rules)
    )
    tables = {}

    def table(frame, attempt):
        if (frame, attempt) not in tables:
            drawn = redraw(tf.constant(frame), tf.constant(attempt))
            tables[frame, attempt] = np.stack(drawn, -1)
        return tables[frame, attempt]

    most = 0
    for clip, digit in np.ndindex(count, rules.num_digits):
        state = trajectories.Motion(*map(float, first[clip, digit]))
        for frame in range(length):
            attempt = 0
            while not trajectories.inside(state, float(rules.extent)):
                rng = None
                if not rules.deterministic:
                    rng = Replay(*table(frame, attempt)[clip, digit])
                state = trajectories.bounce(state, float(rules.extent), rng, rules.max_speed)
                attempt += 1
            most = max(most, attempt)
            assert tuple(corners[clip, frame, digit]) == (round(state.x), round(state.y))
            state = state._replace(x=state.x + state.dx, y=state.y + state.dy)
    assert most >= 2, "no digit bounced twice in a frame: the test saw too little"


def reference(rules, count, length):
    rng, options = np.random.RandomState(123), {"frame_size": rules.frame_size}
    options |= {"max_speed": rules.max_speed, "deterministic": rules.deterministic}
    paths = [trajectories.trajectory(rng, length, **options) for _ in range(count)]
    return np.stack(paths)[..., :2]


def p_value(a, b):
    """Chi-square test that two samples of integers have one rules; rare values are pooled."""
    values, kind = np.unique(np.concatenate([a, b]), return_inverse=True)
    samples = kind[: len(a)], kind[len(a) :]
    table = np.stack([np.bincount(sample, minlength=len(values)) for sample in samples])
    common = table.sum(0) >= 20
    table = np.concatenate([table[:, common], table[:, ~common].sum(1, keepdims=True)], axis=1)
    return stats.chi2_contingency(table[:, table.sum(0) > 0]).pvalue


def joint(a, b):
    """One integer for a pair of integers of size below 500."""
    return (a + 500) * 1000 + b + 500


def observables(corners):
    """Integers whose distributions pin down the process: corners [N, T, 2] -> name: [M] each."""
    x, y = corners[..., 0].astype(int), corners[..., 1].astype(int)
    dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
    turned = (dx[:, 1:] != dx[:, :-1]) | (dy[:, 1:] != dy[:, :-1])
    bounced = turned[:, -2]  # between the last steps but two and but one
    return {
        "row at the start": x[:, 0],
        "column at the start": y[:, 0],
        "first step": joint(dx[:, 0], dy[:, 0]),
        "row in the middle": x[:, x.shape[1] // 2],
        "row at the end": x[:, -1],
        "column at the end": y[:, -1],
        "place at the end": joint(x[:, -1] // 4, y[:, -1] // 4),
        "turns": turned.sum(1),
        "step after a turn": joint(dx[bounced, -1], dy[bounced, -1]),
        "last step": joint(dx[:, -1], dy[:, -1]),
        "row steps far apart": joint(dx[:, 3], dx[:, 8]),
    }


@pytest.mark.parametrize("rules", [RULES[0], RULES[3]], ids=name)
def test_paths_are_distributed_as_the_reference_s(rules):
    count, length = 20_000, 15
    _, corners = generate(rules, count // rules.num_digits + 1, length)
    made = observables(corners.transpose(0, 2, 1, 3).reshape(-1, length, 2)[:count])
    expected = observables(reference(rules, count, length))
    p_values = {what: p_value(made[what], expected[what]) for what in made}
    # Seeds are fixed; right rules would fail one of the 22 tests with a probability of 0.2 %. Wrong
    # ones are far off: a start drawn from one place too few, a redraw without 0 or without the
    # largest speed, one redraw used for all frames, the normal speed kept: all below 1e-40.
    assert min(p_values.values()) > 1e-4, p_values


def test_the_two_digits_of_a_clip_are_independent():
    rules = RULES[0]
    pictures, corners = generate(rules, 6000, 10)
    for a, b in [
        (corners[:, 0, 0, 0], corners[:, 0, 1, 0]),
        (corners[:, 9, 0, 1], corners[:, 9, 1, 1]),
        (pictures[:, 0], pictures[:, 1]),
        (pictures[:, 0], corners[:, 0, 0, 0]),
        (corners[:, 0, 0, 0], corners[:, 0, 0, 1]),
    ]:
        table = np.histogram2d(a, b, bins=(9, 9))[0]
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_no_rare_event_stalls_or_leaves_the_frame():
    for rules in (RULES[0], RULES[5]):
        pictures, corners = generate(rules, 20000, 40, seed=5)
        assert corners.min() == 0
        assert corners.max() == rules.extent and pictures.max() == 99
        assert stats.chisquare(np.bincount(pictures.ravel(), minlength=100)).pvalue > 1e-3
