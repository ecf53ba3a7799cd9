"""Real encoded files, made here from known frames without loss, come back frame by frame."""

import struct

import numpy as np
import pytest
from PIL import Image

from data_pipelines.errors import DataError
from data_pipelines.readers import pixels, video_files
from data_pipelines.readers.resizing import fit_frames
from data_pipelines.readers.video_files import iterate_frames, read_video
from tests.corpora.encoding import write_video

# suffix -> encoder, pixel format, options: RGB without loss.
LOSSLESS = {
    ".mp4": ("libx264rgb", "rgb24", {"qp": "0", "bf": "3"}),
    ".mov": ("libx264rgb", "rgb24", {"qp": "0", "bf": "3"}),
    ".avi": ("ffv1", "bgr0", {}),
    ".mkv": ("ffv1", "bgr0", {}),
    ".webm": ("libvpx-vp9", "gbrp", {"lossless": "1"}),
}
CONTAINERS = (*LOSSLESS, ".gif")
T, H, W = 23, 32, 48


def clip(count=T, height=H, width=W, seed=0):
    """Frames that all differ, uint8 [T, H, W, 3], with no more than 255 colours in each."""
    blocks = np.random.default_rng(seed).integers(0, 256, (count, height // 8, width // 8, 3))
    return blocks.astype(np.uint8).repeat(8, axis=1).repeat(8, axis=2)


def encode(path, frames, encoder=None):
    """Write frames with PyAV, without loss by default; returns the path."""
    write_video(path, frames, encoder=encoder or LOSSLESS[path.suffix])
    return path


def save_pages(path, frames, **options):
    """Write the frames of one GIF, TIFF, PNG or WebP with Pillow; returns the path."""
    first, *rest = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=rest, **options)
    return path


def make(path, frames):
    if path.suffix != ".gif":
        return encode(path, frames)
    # Of uneven duration: each counts once.
    return save_pages(path, frames, duration=[20 + 480 * (i % 2) for i in range(len(frames))])


def save_images(folder, frames, name="img_{}.png"):
    """Write one image per frame, numbered from 1; returns the folder."""
    folder.mkdir(exist_ok=True)
    for number, frame in enumerate(frames, start=1):
        Image.fromarray(frame).save(folder / name.format(number))
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """suffix -> a file of that kind with the frames of `clip()`."""
    folder = tmp_path_factory.mktemp("videos")
    return {suffix: make(folder / f"clip{suffix}", clip()) for suffix in CONTAINERS}


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_frame_comes_back_once_in_order_and_exact(files, suffix):
    np.testing.assert_array_equal(read_video(files[suffix]), clip())
    np.testing.assert_array_equal(read_video(files[suffix], max_frames=5), clip()[:5])
    np.testing.assert_array_equal(read_video(str(files[suffix]), max_frames=99), clip())


@pytest.mark.parametrize(
    ("suffix", "encoder", "error"),
    [
        (".mp4", ("libx264", "yuv420p", {"crf": "4", "bf": "3"}), 4),
        (".avi", ("mpeg4", "yuv420p", {"bf": "2", "qscale": "1"}), 8),
        (".webm", ("libvpx", "yuv420p", {"crf": "4", "b": "4M"}), 8),
        (".mov", ("mjpeg", "yuvj420p", {"qscale": "1"}), 6),
    ],
)
def test_lossy_codecs_that_reorder_frames(tmp_path, suffix, encoder, error):
    grey = clip()[..., :1].repeat(3, axis=-1)
    read = read_video(encode(tmp_path / f"a{suffix}", grey, encoder)).astype(int)
    assert read.shape == grey.shape
    distance = np.abs(read[:, None] - grey[None]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(distance.argmin(axis=1), np.arange(T))
    assert distance.diagonal().max() < error


def test_a_grey_pixel_format_gives_one_channel(tmp_path):
    grey = clip()[..., 0]
    path = encode(tmp_path / "a.mkv", grey, ("ffv1", "gray", {}))
    np.testing.assert_array_equal(read_video(path), grey[..., None])


def test_a_name_is_only_a_name_and_the_content_decides(files, tmp_path):
    path = tmp_path / "http: 50%03d.avi"
    path.write_bytes(files[".mp4"].read_bytes())
    np.testing.assert_array_equal(read_video(path), clip())


def raw_gif(frames):
    """A GIF of 4 x 4 pixels: frames are (x, y, w, h, colour index, disposal)."""
    data = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0x81, 0, 0)
    data += bytes([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    for x, y, w, h, colour, disposal in frames:
        data += b"\x21\xf9\x04" + struct.pack("<BHBB", disposal << 2, 5, 0, 0)
        data += b"\x2c" + struct.pack("<HHHHB", x, y, w, h, 0)
        # Codes of three bits: 4 clears the table before it grows, 5 ends.
        codes = [code for _ in range(w * h) for code in (4, colour)] + [5]
        bits = sum(code << 3 * index for index, code in enumerate(codes))
        packed = bits.to_bytes(-(-3 * len(codes) // 8), "little")
        data += bytes([2, len(packed)]) + packed + b"\0"
    return data + b";"


def test_a_gif_of_patches_is_disposed_of_as_the_format_says(tmp_path):
    patches = [(0, 0, 4, 4, 1, 1), (0, 0, 2, 2, 2, 3), (2, 2, 2, 2, 3, 0), (0, 3, 1, 1, 2, 1)]
    (tmp_path / "a.gif").write_bytes(raw_gif(patches))
    red, green, blue = np.eye(3, dtype=np.uint8) * 255
    expected = np.broadcast_to(red, (4, 4, 4, 3)).copy()
    expected[1, :2, :2] = green  # goes again: disposal 3
    expected[2:, 2:, 2:] = blue  # stays: disposal 0
    expected[3, 3, 0] = green
    np.testing.assert_array_equal(read_video(tmp_path / "a.gif"), expected)


def test_the_transparent_is_white(tmp_path):
    sprites = np.zeros((3, 8, 8, 4), np.uint8)
    expected = np.full((3, 8, 8, 3), 255, np.uint8)
    for index in range(3):
        sprites[index, 2:4, 2 * index : 2 * index + 2] = (255, 0, 0, 255)
        expected[index, 2:4, 2 * index : 2 * index + 2] = (255, 0, 0)
    gif = save_pages(tmp_path / "a.gif", sprites, disposal=2)
    np.testing.assert_array_equal(read_video(gif), expected)
    np.testing.assert_array_equal(read_video(save_images(tmp_path / "a", sprites)), expected)


def test_a_long_video_does_not_fill_the_memory(tmp_path):
    frames = iterate_frames(make(tmp_path / "a.gif", clip(60)))
    assert iter(frames) is frames
    np.testing.assert_array_equal(next(frames), clip(60)[0])


# --- folders of images ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["img_{}.png", "{}.bmp", "a1_b{:03d}.tiff", "2x{}.PNG", "f{}.ppm"])
def test_images_are_ordered_by_number(tmp_path, name):
    folder = save_images(tmp_path / "a", clip(), name)
    (folder / "notes.txt").write_text("no image")
    (folder / ".img_0.png").write_text("no image")
    np.testing.assert_array_equal(read_video(folder), clip())
    np.testing.assert_array_equal(read_video(folder, 3), clip()[:3])


def test_grey_images(tmp_path):
    grey = clip()[..., 0]
    np.testing.assert_array_equal(read_video(save_images(tmp_path / "a", grey)), grey[..., None])
    wide = grey.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_video(save_images(tmp_path / "b", wide)), grey[..., None])
    Image.fromarray(clip()[5]).save(tmp_path / "a" / "img_6.png")
    mixed = read_video(tmp_path / "a")
    np.testing.assert_array_equal(mixed[5], clip()[5])
    np.testing.assert_array_equal(mixed[4], grey[4][..., None].repeat(3, axis=-1))


def test_bad_folders_of_images(tmp_path):
    def refused(text):
        with pytest.raises(DataError, match=text):
            read_video(tmp_path)

    refused("holds no image")
    save_images(tmp_path, clip(4))
    Image.fromarray(clip()[2]).save(tmp_path / "img_03.png")
    refused(r"img_03\.png and img_3\.png have one number")
    (tmp_path / "img_03.png").unlink()
    whole = (tmp_path / "img_4.png").read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"text"):
        (tmp_path / "img_4.png").write_bytes(broken)
        refused(r"img_4\.png: cannot be read as an image")
        with pytest.raises(DataError) as caught:
            read_video(tmp_path)
        assert str(caught.value).count("img_4.png") == 1


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["f8", "f9", "f10", "f12"], "frame 11 is missing"),
        (["a_1", "a_2", "b_1"], r"a_1\.png and b_1\.png differ in more than one number"),
        (["1", "2", "2_1"], r"1\.png and 2_1\.png differ"),
    ],
)
def test_images_that_are_not_one_row_of_numbers(tmp_path, names, says):
    for name in names:
        Image.fromarray(clip(1)[0]).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=says):
        read_video(tmp_path)


def test_every_tenth_number_is_a_row(tmp_path):
    for number, frame in enumerate(clip(12)):
        Image.fromarray(frame).save(tmp_path / f"t{5 + 10 * number}.png")
    np.testing.assert_array_equal(read_video(tmp_path), clip(12))


# --- NumPy files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_files(tmp_path, suffix, order):
    path = tmp_path / f"a{suffix}"

    def save(array):
        array = np.asarray(array, order=order)
        np.save(path, array) if suffix == ".npy" else np.savez_compressed(path, anything=array)

    for frames in (clip(), clip()[..., :1]):
        save(frames)
        np.testing.assert_array_equal(read_video(path), frames)
        for dtype in (np.float32, np.float64, np.float16, ">f4"):
            save((frames / 255.0).astype(dtype))
            np.testing.assert_array_equal(read_video(path), frames)
        save(frames[..., 0])
        np.testing.assert_array_equal(read_video(path, 3), frames[:3, ..., :1])


def test_frames_among_other_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", actions=np.zeros(3), frames=clip())
    np.testing.assert_array_equal(read_video(tmp_path / "a.npz"), clip())


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": clip(), "y": clip()}, "no array `frames`; its arrays are: x, y"),
        ({"frames": clip()[0, 0]}, r"shape \[48, 3\]"),
        ({"frames": clip()[..., :2]}, r"shape \[23, 32, 48, 2\]"),
        ({"frames": clip()[:0]}, "holds no frame"),
        ({"frames": clip()[:, :0]}, "no size"),
        ({"frames": clip().astype(np.int64)}, "int64"),
        ({"frames": clip() / 254.0}, r"outside \[0, 1\]"),
        ({"frames": np.full((2, 8, 8), np.nan)}, "NaN"),
        ({"frames": np.array([{"a": 1}])}, "object"),
        ({}, "its arrays are: none"),
    ],
)
def test_arrays_that_are_no_video(tmp_path, arrays, text):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=rf"a\.npz: .*{text}"):
        read_video(tmp_path / "a.npz")


def test_damaged_numpy_files(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, frames=clip())
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for content in (whole[:-100], bytes(flipped), b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz: is damaged or no NumPy file"):
            read_video(path)
    np.save(tmp_path / "a.npy", clip())
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"a\.npy: .*105983 bytes where its header says 105984"):
        read_video(tmp_path / "a.npy")


# --- files that are no videos --------------------------------------------------------------------


def refusal(path):
    """The message with which a path is refused, one line that names it."""
    with pytest.raises(DataError) as caught:
        read_video(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_no_such_file(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.mp4")
    assert "does not exist" in refusal(tmp_path / "a.npz")
    assert "too long" in refusal(tmp_path / ("a" * 300))


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01, 0.0])
def test_files_that_were_cut_short(files, tmp_path, suffix, kept):
    whole = files[suffix].read_bytes()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(whole[: int(kept * len(whole))])
    message = refusal(path)
    assert any(text in message for text in ("cut short", "is empty", "is no video")), message


@pytest.mark.parametrize(
    "content",
    [
        b"hello\n" * 500,
        b"\0" * 4096,
        b"#EXTM3U\n#EXTINF:1,\nclip.mp4\n",  # a play list
        b"ffconcat version 1.0\nfile clip.mp4\n",
        bytes(np.random.default_rng(0).integers(0, 256, 4096, dtype=np.uint8)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.txt"])
def test_files_of_another_kind(files, tmp_path, content, name):
    (tmp_path / "clip.mp4").write_bytes(files[".mp4"].read_bytes())
    (tmp_path / name).write_bytes(content)
    assert "is no video that can be decoded" in refusal(tmp_path / name)


def test_one_image_is_no_video(tmp_path):
    Image.fromarray(clip()[0]).save(tmp_path / "a.png")
    assert "is one image; give the folder" in refusal(tmp_path / "a.png")


def test_damage_in_the_middle_is_told(files, tmp_path):
    # H.264 notices; FFV1 and VP9 show something without a word.
    data = bytearray(files[".mp4"].read_bytes())
    for place in (len(data) // 4, len(data) // 2, len(data) * 3 // 4):
        data[place : place + 40] = np.random.default_rng(place).bytes(40)
    (tmp_path / "a.mp4").write_bytes(data)
    assert "repair or remove the file" in refusal(tmp_path / "a.mp4")


def test_headers_that_promise_too_much(tmp_path, monkeypatch):
    pixels.require_sane_size(tmp_path, 8192, 8192)
    with pytest.raises(DataError, match="8193 x 8192"):
        pixels.require_sane_size(tmp_path, 8193, 8192)
    gif = bytearray(raw_gif([(0, 0, 4, 4, 1, 1)] * 2))
    gif[6:10] = struct.pack("<HH", 9000, 9000)
    (tmp_path / "a.gif").write_bytes(gif)
    assert "9000 x 9000 pixels, more than" in refusal(tmp_path / "a.gif")
    save_images(tmp_path / "a", clip(2))
    image = (tmp_path / "a" / "img_2.png").read_bytes()
    (tmp_path / "a" / "img_2.png").write_bytes(
        image[:16] + struct.pack(">II", 60000, 60000) + image[24:]
    )
    with pytest.raises(DataError, match=r"img_2\.png: "):
        read_video(tmp_path / "a")
    monkeypatch.setattr(video_files, "MAX_BYTES", 5 * clip(1).nbytes)
    np.save(tmp_path / "a.npy", clip())
    assert "read fewer" in refusal(tmp_path / "a.npy")
    assert len(read_video(tmp_path / "a.npy", 5)) == 5
    assert sum(1 for _ in iterate_frames(tmp_path / "a.npy")) == T


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_bad_numbers_of_frames(files, count):
    with pytest.raises(DataError, match="max_frames"):
        read_video(files[".gif"], count)


# --- fitting -------------------------------------------------------------------------------------


def area_weights(size, result):
    """[result, size]: the share of each source pixel in each pixel of the result, in float64."""
    edges = np.arange(result + 1) * size / result
    left, right = edges[:-1, None], edges[1:, None]
    pixel = np.arange(size)
    return np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0, 1) * result / size


def noise(count, height, width, channels):
    shape = (count, height, width, channels)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [128, 97])
@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_averages_areas(size, channels):
    frames, weights = noise(2, size, size, channels), area_weights(size, 64)
    exact = np.einsum("ih,thwc,jw->tijc", weights, frames, weights, optimize=True)
    got = fit_frames(frames, 64, channels)
    assert np.abs(got - exact).max() < 0.5 + 1e-3


def test_enlarging_is_bicubic_as_pillow_has_it():
    # Smooth, so that neither clips; Pillow weighs the border by itself.
    y, x = np.mgrid[:20, :20] / 20
    frame = np.rint(255 * (0.5 + 0.4 * np.sin(5 * x) * np.cos(4 * y))).astype(np.uint8)
    expected = Image.fromarray(frame).resize((64, 64), Image.Resampling.BICUBIC)
    got = fit_frames(frame[None, ..., None], 64, 1)[0, ..., 0]
    assert np.abs(got.astype(int) - np.asarray(expected))[8:-8, 8:-8].max() <= 1
    assert (fit_frames(np.full((1, 5, 5, 1), 77, np.uint8), 64, 1) == 77).all()
    stripes = np.tile(np.array([0, 255], np.uint8), 10)[None, None, :, None].repeat(20, axis=1)
    assert fit_frames(stripes, 64, 1).dtype == np.uint8  # overshoots, clipped, no wrap-around
    assert (np.abs(np.diff(fit_frames(stripes, 64, 1)[0, 30, :, 0].astype(int))) < 200).all()


@pytest.mark.parametrize(("height", "width"), [(64, 90), (91, 64), (64, 64)])
def test_the_centre_is_cropped_and_left_untouched(height, width):
    frames = noise(2, height, width, 3)
    top, left = (height - 64) // 2, (width - 64) // 2
    expected = frames[:, top : top + 64, left : left + 64]
    np.testing.assert_array_equal(fit_frames(frames, 64, 3), expected)
    grey = fit_frames(frames[..., :1], 64, 3)
    np.testing.assert_array_equal(grey, expected[..., :1].repeat(3, axis=-1))


def test_letterbox_keeps_all_between_black_bars():
    frames = noise(2, 64, 128, 1)
    got = fit_frames(frames, 64, 1, "letterbox")
    exact = np.einsum("ih,thwc,jw->tijc", area_weights(64, 32), frames, area_weights(128, 64))
    assert np.abs(got[:, 16:48] - exact).max() < 0.5 + 1e-3
    assert not got[:, :16].any() and not got[:, 48:].any()
    tall = fit_frames(frames.transpose(0, 2, 1, 3), 64, 1, "letterbox")
    np.testing.assert_array_equal(tall, got.transpose(0, 2, 1, 3))
    assert fit_frames(noise(1, 1, 500, 1), 64, 3, "letterbox").shape == (1, 64, 64, 3)


def test_stretch_filters_each_axis_by_itself():
    row = noise(1, 1, 128, 1)
    got = fit_frames(row, 64, 1, "stretch")
    exact = np.einsum("thwc,jw->thjc", row, area_weights(128, 64))
    assert np.abs(got - exact).max() < 0.5 + 1e-3  # the same in all rows
    same = noise(2, 64, 64, 3)
    np.testing.assert_array_equal(fit_frames(same, 64, 3, "stretch"), same)


def test_colour_to_grey_is_the_luma_of_pillow():
    frames = noise(3, 64, 64, 3)
    got = fit_frames(frames, 64, 1)[..., 0].astype(int)
    expected = np.stack([np.asarray(Image.fromarray(frame).convert("L")) for frame in frames])
    assert np.abs(got - expected).max() <= 1
    assert (got == expected).mean() > 0.999
    shades = np.arange(256, dtype=np.uint8)[None, :, None, None].repeat(256, 2)
    np.testing.assert_array_equal(fit_frames(shades.repeat(3, -1), 256, 1), shades)


def test_grey_to_colour_repeats():
    frames = noise(3, 64, 64, 1)
    np.testing.assert_array_equal(fit_frames(frames, 64, 3), frames.repeat(3, axis=-1))


def test_pieces_change_nothing(monkeypatch):
    frames = noise(7, 50, 60, 3)
    whole = fit_frames(frames, 32, 1)
    monkeypatch.setattr("data_pipelines.readers.resizing._CHUNK_VALUES", 3 * 50 * 50 * 2)
    np.testing.assert_array_equal(fit_frames(frames, 32, 1), whole)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((clip() / 255.0, 64, 3), "float64"),
        ((clip()[0], 64, 3), r"\[32, 48, 3\]"),
        ((clip()[..., :2], 64, 3), r"\[23, 32, 48, 2\]"),
        ((clip()[:0], 64, 3), "one or more"),
        ((clip(), 0, 3), "size is 0"),
        ((clip(), 64, 2), "channels is 2"),
        ((clip(), 64, 3, "zoom"), "choose one of: crop, letterbox, stretch"),
    ],
)
def test_bad_arguments_of_fitting(arguments, text):
    with pytest.raises(DataError, match=text):
        fit_frames(*arguments)
