"""Video files, read back by Pillow and PyAV: frame count, order, borders, duration, pixels."""

import av
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageSequence

from data_pipelines.readers.video_files import read_video
from srvp_tf.errors import UserError
from srvp_tf.video import strip, to_uint8, write_video
from srvp_tf.video.canvas import GAP, GREEN, LINE_HEIGHT, RED, grid_frames, shown_videos

LENGTH, SCALE, BORDER = 7, 3, 2
CELL = 16 * SCALE + 2 * BORDER


def make_videos(count=3, channels=3):
    """uint8 [N, 7, 16, 16, C] of flat frames; level 10 (3 t + n) tells time t and video n."""
    levels = 10 * (3 * np.arange(LENGTH)[None] + np.arange(count)[:, None])
    frames = np.broadcast_to(levels[..., None, None, None], (count, LENGTH, 16, 16, channels))
    return frames.astype(np.uint8)


def read_pillow(path):
    with Image.open(path) as image:
        frames = [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    pictures, durations = zip(*frames, strict=True)
    return np.stack(pictures), list(durations)


def read_av(path):
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
    return pictures, [frame.time for frame in frames]


def check_grid(pictures, conditioning, columns, tolerance=0, border_tolerance=0, cell=CELL):
    """Every cell holds its video's frame inside its colour, in row-major order."""
    assert len(pictures) == LENGTH
    border = BORDER if cell == CELL else 4
    for time, picture in enumerate(pictures.astype(int)):
        for index, given in enumerate(conditioning):
            top = GAP + (index // columns) * (cell + GAP)
            left = GAP + (index % columns) * (cell + GAP)
            inside = picture[top + cell // 2, left + cell // 2]
            assert np.abs(inside - 10 * (3 * time + index)).max() <= tolerance, (time, index)
            frame = picture[top + border // 2, left + border : left + cell - border].mean(axis=0)
            expected = GREEN if time < given else RED
            assert np.abs(frame - expected).max() <= border_tolerance, (time, index)


def test_gif_is_exact(tmp_path):
    path = tmp_path / "new" / "grid.gif"  # the folder is created
    write_video(path, make_videos(), fps=30, conditioning=[7, 2, 0], columns=2, scale=SCALE)
    pictures, durations = read_pillow(path)
    assert pictures.shape == (LENGTH, 2 * (CELL + GAP) + GAP, 2 * (CELL + GAP) + GAP, 3)
    check_grid(pictures, [7, 2, 0], columns=2)
    assert sum(durations) == 230  # 7/30 s to a hundredth, from frames of 30 and 40 ms
    assert set(durations) == {30, 40}
    with Image.open(path) as image:
        assert image.info["loop"] == 0


@pytest.mark.parametrize("colours", [2, 4096])
def test_gif_keeps_equal_frames(tmp_path, colours):
    path = tmp_path / "still.gif"
    ramp = np.arange(32 * 32) % colours
    frame = np.stack([ramp % 256, ramp // 4 % 256, 255 - ramp // 8 % 256], -1).astype(np.uint8)
    video = np.broadcast_to(frame.reshape(1, 32, 32, 3), (6, 32, 32, 3)).copy()
    video[4] = 0
    write_video(path, video, fps=10, conditioning=None, scale=1)
    pictures, durations = read_pillow(path)
    assert durations == [100] * 6
    np.testing.assert_array_equal(pictures[[1, 2, 3, 5]], pictures[[0, 0, 0, 0]])
    assert not pictures[4, GAP:-GAP, GAP:-GAP].any()
    assert (pictures[:, -1, -1] == 255).all()  # the pixel that tells equal frames apart


def test_gif_of_many_colours_stays_close_and_keeps_its_borders(tmp_path):
    path = tmp_path / "many.gif"
    rows, columns = np.mgrid[0:64, 0:64] / 63
    colour = np.stack([rows, columns, 0.5 * rows + 0.5 * columns], axis=-1)
    write_video(path, colour[None], conditioning=0, scale=1)
    (picture,), _ = read_pillow(path)
    inside = picture[GAP + BORDER : -GAP - BORDER, GAP + BORDER : -GAP - BORDER]
    error = inside.astype(float) - to_uint8(colour)
    assert np.sqrt(np.mean(error**2)) < 8
    assert tuple(picture[GAP, GAP]) == RED


def test_gif_of_all_grey_levels_is_off_by_one_at_most(tmp_path):
    path = tmp_path / "grey.gif"
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    write_video(path, levels, scale=1)
    (picture,), _ = read_pillow(path)
    inside = picture[GAP + BORDER : -GAP - BORDER, GAP + BORDER : -GAP - BORDER]
    assert np.abs(inside.astype(int) - levels[0]).max() <= 2


@pytest.mark.parametrize("suffix, codec", [(".mp4", "h264"), (".webm", "vp9")])
@pytest.mark.parametrize("fps", [10, 12.5])
def test_encoded_files(tmp_path, suffix, codec, fps):
    path = tmp_path / f"grid{suffix}"
    write_video(path, make_videos(), fps=fps, conditioning=[7, 2, 0], columns=2)
    pictures, times = read_av(path)
    # Both codecs miss the border's colour by 18 levels, the areas' by 1: 4:2:0 halves the
    # resolution of chroma, and the border is 4 pixels wide. Green and red differ by 214.
    check_grid(pictures, [7, 2, 0], columns=2, tolerance=2, border_tolerance=24, cell=192 + 8)
    np.testing.assert_allclose(times, np.arange(LENGTH) / fps, atol=1e-3)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec.canonical_name == codec
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert container.duration / 1e6 == pytest.approx(LENGTH / fps, abs=0.02)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("size", [64, 720])
def test_encoded_colours_are_those_of_their_tags(tmp_path, suffix, size):
    path, colour = tmp_path / f"a{suffix}", np.array([32, 192, 64])
    video = np.broadcast_to(colour.astype(np.uint8), (2, size, size, 3))
    write_video(path, video, conditioning=None, scale=1)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        numbers = (context.colorspace, context.color_primaries, context.color_trc)
        assert (*numbers, context.color_range) == (1, 1, 1, 1)  # BT.709, limited
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_range) == (1, 1)
    half = size // 2
    levels = [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[half // n, half // n]
        for plane, n in zip(frame.planes, (1, 2, 2), strict=True)
    ]
    red, green, blue = colour / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = [luma, (blue - luma) / 1.8556, (red - luma) / 1.5748]
    expected = np.multiply(expected, (219, 224, 224)) + (16, 128, 128)
    assert np.abs(levels - expected).max() <= 1
    assert np.abs(read_video(path)[0, half, half].astype(int) - colour).max() <= 2


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_odd_sizes_are_padded_with_white(tmp_path, suffix):
    path = tmp_path / f"odd{suffix}"
    write_video(path, np.zeros((3, 17, 19, 1), np.uint8), conditioning=None, scale=1)
    pictures, _ = read_av(path)
    assert pictures.shape == (3, 17 + 2 * GAP + 1, 19 + 2 * GAP + 1, 3)
    assert pictures[:, -1].min() > 240


def test_strip_shows_videos_as_rows_and_frames_as_columns(tmp_path):
    options = dict(conditioning=[7, 4, 0], every=3, scale=SCALE)
    picture = strip(make_videos(), **options)
    gap = GAP // 2
    assert picture.shape == (
        2 * GAP + LINE_HEIGHT + 3 * (CELL + gap) - gap,
        2 * GAP + 3 * (CELL + gap) - gap,
        3,
    )
    for row, given in enumerate([7, 4, 0]):
        for column, time in enumerate([0, 3, 6]):
            top = GAP + LINE_HEIGHT + row * (CELL + gap)
            left = GAP + column * (CELL + gap)
            assert tuple(picture[top, left]) == (GREEN if time < given else RED)
            assert (picture[top + CELL // 2, left + CELL // 2] == 10 * (3 * time + row)).all()
    path = tmp_path / "strip.png"
    write_video(path, make_videos(), **options)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), picture)


def test_pixels_are_enlarged_without_blending():
    video = np.random.default_rng(0).integers(0, 256, (1, 5, 4, 3), np.uint8)
    clips = shown_videos(video, conditioning=None, captions=None, columns=None)
    (picture,) = grid_frames(clips, scale=4)
    np.testing.assert_array_equal(picture[GAP:-GAP:4, GAP:-GAP:4], video[0])
    np.testing.assert_array_equal(picture[GAP + 3 : -GAP : 4, GAP + 3 : -GAP : 4], video[0])


def test_captions_stand_above_their_own_video():
    clips = shown_videos(make_videos(2), 0, ["a", " "], None)
    picture = next(grid_frames(clips, SCALE))
    dark = (picture[GAP : GAP + LINE_HEIGHT] < 100).any(axis=(0, 2))
    assert dark[GAP : GAP + CELL].any() and not dark[GAP + CELL :].any()
    assert tuple(picture[GAP + LINE_HEIGHT, GAP]) == RED
    long = shown_videos(make_videos(2), 0, ["W" * 500, ""], None)  # cut, not run over
    picture = next(grid_frames(long, SCALE))
    assert (picture[GAP : GAP + LINE_HEIGHT, GAP + CELL :] == 255).all()


def test_samples_of_several_videos_are_laid_out_as_rows():
    videos = make_videos(6).reshape(2, 3, LENGTH, 16, 16, 3)
    pictures = np.stack(list(grid_frames(shown_videos(videos, 2, None, None), SCALE)))
    assert pictures.shape[1:] == (2 * (CELL + GAP) + GAP, 3 * (CELL + GAP) + GAP, 3)
    check_grid(pictures, [2] * 6, columns=3)


def test_npz_holds_the_bare_frames(tmp_path):
    videos = make_videos(channels=1)
    write_video(
        tmp_path / "raw.npz", videos.astype(np.float32) / np.float32(255), captions=["a"] * 3
    )
    with np.load(tmp_path / "raw.npz", allow_pickle=False) as file:
        assert file["frames"].dtype == np.uint8
        np.testing.assert_array_equal(file["frames"], videos)


def test_quantisation_truncates_clips_rounding_and_inverts_division_by_255():
    np.testing.assert_array_equal(
        to_uint8(np.array([-1e-4, 0.0, 0.999999 / 255, 0.5, 254.999 / 255, 1.0, 1.0001])),
        [0, 0, 0, 127, 254, 255, 255],
    )
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(levels.astype(np.float32) / np.float32(255)), levels)
    np.testing.assert_array_equal(to_uint8(tf.constant([0.5, 1.0], tf.bfloat16)), [127, 255])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(path="a.avi"), r"a\.avi: unknown video format; use one of \.gif, \.mp4, \.webm"),
        (dict(path="noext"), "unknown video format"),
        (dict(path="/dev/null/a.gif"), "cannot write /dev/null/a.gif: "),
        (dict(videos=np.full((2, 8, 8, 1), np.nan)), "videos hold NaN"),
        (dict(videos=np.full((2, 8, 8, 1), 255.0)), r"range from 255 to 255; .* in \[0, 1\]"),
        (dict(path="a.png", videos=np.full((2, 8, 8, 1), np.inf)), "videos range from inf to inf"),
        (dict(videos=np.zeros((2, 8, 8, 1), int)), "uint8 or floats in .0, 1., got int64"),
        (dict(videos=np.zeros((2, 8, 8, 4), np.uint8)), r"got shape \(2, 8, 8, 4\)"),
        (dict(videos=np.zeros((0, 8, 8, 1), np.uint8)), r"got shape \(0, 8, 8, 1\)"),
        (dict(conditioning=[1, 2]), "2 conditioning lengths for 3 videos"),
        (dict(captions=["a"]), "1 captions for 3 videos"),
        (dict(columns=0), "columns must be at least 1"),
        (dict(scale=0), "scale must be at least 1"),
        (dict(fps=0), "fps must be above 0"),
        (dict(fps=60), "at most 50 frames a second"),
        (dict(path="a.png", every=0), "every must be at least 1"),
    ],
)
def test_errors_name_what_is_wrong_and_leave_nothing(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = dict(path="a.gif", videos=make_videos()) | arguments
    with pytest.raises(UserError, match=message):
        write_video(**arguments)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_text("old")

    def fail_half_way(partial, *_):
        partial.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srvp_tf.video.files._encode", fail_half_way)
    with pytest.raises(UserError, match="cannot write .*a.mp4: No space left on device"):
        write_video(path, make_videos())
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_text() == "old"


def test_a_gif_of_a_wide_page_keeps_its_greys(tmp_path):
    # All greys and the frames' two colours are more than a palette holds.
    ramp = np.arange(256, dtype=np.uint8).repeat(16).reshape(64, 64, 1)
    videos = np.broadcast_to(ramp, (24, 25, 64, 64, 1)).copy()
    videos[:, 1::2] = 255 - videos[:, 1::2]
    path = tmp_path / "page.gif"
    write_video(path, videos, conditioning=5, captions=24 * ["one"], columns=6, scale=2)
    with Image.open(path) as gif:
        gif.seek(2)
        page = np.asarray(gif.convert("RGB")).astype(int)
    levels = page[(page.max(-1) - page.min(-1)) < 8].mean(-1)
    assert levels.min() < 4
    found = np.unique(levels.round())
    assert np.diff(found).max() <= 8  # no grey is missing by more
