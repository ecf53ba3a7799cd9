"""Content swap: what comes from which video, and a measure that knows a swap when it sees one."""

import numpy as np
import pytest

from srvp_tf.errors import UserError
from srvp_tf.experiments import ContentSwap, measure_swap, summarize_swap, swap_content
from srvp_tf.video import to_uint8
from tests.experiments.models import varied_model
from tests.models.small import random_videos


def assert_same_frames(frames, expected):
    """Equal up to what rounding may do to a value near a whole number."""
    difference = np.abs(frames.astype(int) - expected)
    assert difference.max() <= 1 and difference.mean() < 0.01


@pytest.fixture(scope="module", params=[{"skips": True}, {"stochastic": False, "nz": 5}])
def model(request):
    return varied_model(**request.param)


@pytest.fixture(scope="module")
def videos(model):
    return random_videos(model.config, 4, 4)


@pytest.fixture(scope="module")
def swap(model, videos):
    return swap_content(
        model, videos[:2], videos[2:], horizon=3, num_samples=2, seed=9, video_ids=[5, 6]
    )


def test_the_unswapped_go_on_as_forecasts_do(model, videos, swap):
    for frames, source in (
        (swap.content_reconstruction, videos[:2]),
        (swap.dynamics_reconstruction, videos[2:]),
    ):
        assert frames.shape == (2, 2, 7, 32, 32, 1)
        expected = model.forecast(source, 3, 2, 9, video_ids=[5, 6])
        assert_same_frames(frames[:, :, 4:], to_uint8(expected))


def test_a_video_swapped_with_itself_is_its_reconstruction(model, videos):
    same = swap_content(model, videos, videos, seed=1)
    assert same.swapped.shape == (4, 1, 4, 32, 32, 1)
    np.testing.assert_array_equal(same.swapped, same.content_reconstruction)
    np.testing.assert_array_equal(same.swapped, same.dynamics_reconstruction)


def test_w_and_skips_are_of_the_one_and_the_states_of_the_other(model, videos, swap):
    # The noise has the ids of the pairs, so each video alone has the very states that it had there.
    for i, video_id in enumerate((5, 6)):
        alone = swap_content(
            model, videos[i : i + 1], videos[2 + i : 3 + i], seed=9, video_ids=[video_id]
        )
        assert_same_frames(alone.swapped, swap.swapped[i : i + 1, :1, :4])
    assert np.abs(swap.swapped.astype(int) - swap.content_reconstruction).max() > 3
    assert np.abs(swap.swapped.astype(int) - swap.dynamics_reconstruction).max() > 3
    # The first frames of `content` tell its state alone, the last nt_inf w and the skips.
    longer = np.concatenate([255 - videos[:2, :1], videos[:2]], axis=1)
    other = swap_content(model, longer, videos[2:], num_samples=2, seed=9, video_ids=[5, 6])
    assert_same_frames(other.swapped, swap.swapped[:, :, :4])


def test_videos_that_are_no_pairs_are_refused(model, videos):
    with pytest.raises(UserError, match="2 of content, 1 of dynamics"):
        swap_content(model, videos[:2], videos[:1])
    with pytest.raises(UserError, match=r"give \[B, T, H, W, C\]"):
        swap_content(model, videos[0], videos[0])


# --- the measure, on scenes whose backgrounds and motions are known -------------------------------

BACKGROUNDS = {"content": 0.2, "dynamics": 0.6}
PLACES = {"content": [(0, 0), (0, 8), (0, 16), (0, 24)], "dynamics": [(24, 0), (16, 0), (8, 0)]}


def scene(background, places):
    """A square 0.3 brighter than the background, in its places one after the other."""
    frames = np.full((len(places), 32, 32, 1), BACKGROUNDS[background], np.float32)
    for frame, (row, column) in zip(frames, places, strict=True):
        frame[row : row + 8, column : column + 8] += 0.3
    return frames


def pair(background, motion):
    """What a swap would look like that has the background of the one, the motion of the other."""
    content, dynamics = (scene(name, PLACES[name])[None] for name in ("content", "dynamics"))
    swapped = scene(background, PLACES[motion])[None, None]
    swap = ContentSwap(swapped, content[:, None], dynamics[:, None])
    return content, dynamics, swap


def test_a_perfect_swap():
    content, dynamics, swap = pair("content", "dynamics")
    (measured,) = measure_swap(content, dynamics, swap)
    # Squares pass through the first row or column of cells of 8 pixels, three of each.
    assert measured["static_pixels"] == pytest.approx((16 - 3 - 3) / 16)
    assert measured["swapped_static_to_content"] == pytest.approx(0, abs=1e-6)
    assert measured["swapped_static_to_dynamics"] == pytest.approx(0.4, abs=1e-6)
    assert measured["swapped_motion_to_dynamics"] == pytest.approx(1)
    assert measured["swapped_motion_to_content"] == measured["motion_between_sources"] < 0.2
    assert measured["content_reconstruction_static_to_dynamics"] == pytest.approx(0.4, abs=1e-6)
    assert measured["dynamics_reconstruction_motion_to_dynamics"] == pytest.approx(1)
    summary = summarize_swap([measured])
    assert summary["static_closer_to_content"] == summary["motion_closer_to_dynamics"] == 1
    assert summary["swapped_static_to_dynamics"] == {
        "mean": pytest.approx(0.4, abs=1e-6),
        "ci95": 0,
        "videos": 1,
    }


def test_a_swap_that_exchanged_nothing_or_the_wrong_thing():
    measured = measure_swap(*pair("content", "content"))
    measured += measure_swap(*pair("dynamics", "dynamics"))
    measured += measure_swap(*pair("content", "dynamics"))
    summary = summarize_swap(measured)
    assert summary["static_closer_to_content"] == pytest.approx(2 / 3)
    assert summary["motion_closer_to_dynamics"] == pytest.approx(2 / 3)


def test_what_cannot_be_told_is_left_out():
    content, dynamics, swap = pair("content", "dynamics")
    # Backgrounds that look alike.
    (measured,) = measure_swap(content, content, ContentSwap(*[content[:, None]] * 3))
    assert measured["static_pixels"] == 0
    assert measured["swapped_static_to_content"] is None
    assert summarize_swap([measured])["static_closer_to_content"] is None
    # On black nothing is static.
    (measured,) = measure_swap(content, dynamics, swap, background=False)
    assert measured["static_pixels"] == 0
    assert measured["swapped_static_to_content"] is None
    assert measured["swapped_motion_to_dynamics"] == pytest.approx(1)
    # A picture that stands still has no motion to compare.
    swap = swap._replace(swapped=np.repeat(swap.swapped[:, :, :1], 3, axis=2))
    (measured,) = measure_swap(content, dynamics, swap)
    assert measured["swapped_motion_to_dynamics"] is None
