"""Which frame stands where, and when, in the drawings of the experiments."""

import numpy as np

from srvp_tf.experiments.drawings import draw_frame_rates, draw_long_horizon, draw_swap


def numbered(*shape):
    """Frames of one value each, counted up: uint8 [*shape, 2, 2, 1]."""
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    return np.broadcast_to(values[..., None, None, None], (*shape, 2, 2, 1)).copy()


def values(videos):
    return videos[..., 0, 0, 0].tolist()


def test_rates_are_in_step():
    # Two given frames 0 and 2, then two intervals; the truth at twice the rate.
    truth = numbered(1, 7)
    futures = {
        1: 100 + numbered(1, 1, 2),
        2: 110 + numbered(1, 1, 4),
        4: 120 + numbered(1, 1, 8),
    }
    drawing = draw_frame_rates(truth, 2, futures, nt_cond=2)
    given = [0, 0, 0, 0, 2]
    assert values(drawing.videos) == [
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6],
        [*given, 2, 2, 2, 100, 100, 100, 100, 101],
        [*given, 2, 110, 110, 111, 111, 112, 112, 113],
        [*given, 120, 121, 122, 123, 124, 125, 126, 127],
    ]
    assert drawing.conditioning == [13, 5, 5, 5]
    assert drawing.fps == 20 and drawing.columns == 4


def test_a_truth_that_has_ended_is_white():
    drawing = draw_long_horizon(numbered(2, 3, 4), 50 + numbered(2, 2), every=10)
    assert values(drawing.videos) == [[50, 51, 255, 255], [0, 1, 2, 3]] + [
        [52, 53, 255, 255],
        [12, 13, 14, 15],
    ]


def test_a_swap_beside_its_sources():
    drawing = draw_swap(numbered(2, 3), 50 + numbered(2, 2), 100 + numbered(2, 1, 2))
    assert values(drawing.videos) == [[0, 1], [50, 51], [100, 101], [3, 4], [52, 53], [102, 103]]
    assert drawing.captions == ["content", "dynamics", "swapped"] * 2
