"""Sheets hold every frame once, exactly; clips name the right ones."""

import numpy as np
import pytest
from PIL import Image

from srvp_tf.gallery_page.players import NO_TILE, Player
from srvp_tf.gallery_page.sheets import MAX_WIDTH, FrameSheet
from srvp_tf.video.in_step import at_rate


def frames(length, height=8, width=8, channels=1, seed=0):
    shape = (length, height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def tile(picture, sheet, number):
    height, width = sheet.tile_size
    row, column = divmod(number, sheet.columns)
    return picture[row * height : (row + 1) * height, column * width : (column + 1) * width]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_file_gives_back_every_frame(tmp_path, channels):
    sheet = FrameSheet()
    videos = [frames(5, 16, 12, channels, seed) for seed in (0, 1)]
    numbers = [sheet.add(video) for video in videos]
    sheet.save(tmp_path / "sheet.webp")
    with Image.open(tmp_path / "sheet.webp") as image:
        picture = np.asarray(image.convert("RGB"))
    for video, found in zip(videos, numbers, strict=True):
        for frame, number in zip(video, found, strict=True):
            shown = np.broadcast_to(frame, (16, 12, 3))
            np.testing.assert_array_equal(tile(picture, sheet, number), shown)


def test_frames_that_occur_again_are_stored_once():
    sheet, video = FrameSheet(), frames(4)
    assert sheet.add(video) == [0, 1, 2, 3]
    assert sheet.add(np.concatenate([video[:2], frames(2, seed=1)])) == [0, 1, 4, 5]


def test_pictures_of_many_frames_have_several_rows():
    sheet = FrameSheet()
    count = 2 * MAX_WIDTH // 512 + 1
    video = frames(count, 4, 512)
    numbers = sheet.add(video)
    picture = sheet.picture()
    assert picture.shape == (3 * 4, MAX_WIDTH, 1)
    np.testing.assert_array_equal(tile(picture, sheet, numbers[-1]), video[-1])


def test_a_clip_holds_frames_and_ends_where_its_video_does():
    player = Player("p", "label", 7, ticks_per_frame=2)
    clip = player.clip("c", frames(2), 1, hold=2)
    assert clip.tiles == (0, 0, 1, 1, NO_TILE, NO_TILE, NO_TILE)
    assert clip.predicted_from == 2
    assert player.clip("c", frames(9, seed=1), 9).tiles == tuple(range(2, 9))


def times_shown(rate, num_observed=3, num_predicted=2, ticks=4):
    """The moment, in frames, of the frame that is shown at every tick: frames hold their time."""
    observed = np.arange(num_observed) * 10
    predicted = 10 * (num_observed - 1) + 10 * np.arange(1, num_predicted * rate + 1) // rate
    as_video = [x.astype(np.uint8).reshape(-1, 1, 1, 1) for x in (observed, predicted)]
    video, first = at_rate(*as_video, rate, ticks)
    return video.ravel() / 10, first


@pytest.mark.parametrize("rate", [1, 2, 4])
def test_at_any_rate_a_tick_shows_the_latest_frame_that_is_due(rate):
    shown, first = times_shown(rate)
    now = np.arange(4 * 4 + 1) / 4
    observed = now <= 2
    expected = np.where(observed, np.floor(now), np.floor(now * rate) / rate)
    np.testing.assert_allclose(shown, expected, atol=0.1)
    # The first prediction is due 1 / rate after the last observed frame, at 2.
    assert first / 4 == 2 + 1 / rate
