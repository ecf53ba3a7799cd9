"""Orientation, alpha, the stream that is read and its colours, against mathematics."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from data_pipelines.errors import DataError
from data_pipelines.readers.video_files import read_video, remarks
from data_pipelines.readers.video_frames import FrameReader
from tests.data_pipelines.readers.test_video_files import clip, encode

CASES = Path(__file__).parents[2] / "data" / "cases"


@pytest.fixture(scope="module")
def src():
    """uint8 [30, 96, 128, 3]."""
    return read_video(CASES / "src.mp4")


# --- orientation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("hflip.mp4", np.s_[:, :, ::-1]),
        ("vflip.mp4", np.s_[:, ::-1]),
        ("sei180.mp4", np.s_[:, ::-1, ::-1]),
    ],
)
def test_an_orientation_that_the_file_asks_for(src, name, shown):
    np.testing.assert_array_equal(read_video(CASES / name), src[shown])


def moved(frames, a, b, c, d):
    """Every pixel (x, y) to (a x + c y, b x + d y), shifted into the picture."""
    height, width = frames.shape[1:3]
    y, x = np.mgrid[:height, :width]
    rows, columns = b * x + d * y, a * x + c * y
    rows, columns = rows - rows.min(), columns - columns.min()
    result = np.empty((len(frames), rows.max() + 1, columns.max() + 1, 3), np.uint8)
    result[:, rows, columns] = frames
    return result


def remux(source, path, change=lambda packet: [packet]):
    """Copy a stream into another container, through `change`; returns the path."""
    with av.open(str(source)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            for changed in change(packet) if packet.dts is not None else ():
                changed.stream = stream
                container.mux(changed)
    return path


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("x", "y"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_all_eight_display_matrices_in_every_container(tmp_path, turned, x, y):
    matrix = (0, x, y, 0) if turned else (x, 0, 0, y)
    one = 1 << 16
    identity = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    plain = encode(tmp_path / "plain.mp4", clip(4), ("libx264", "yuv444p", {}))
    data = plain.read_bytes()
    # The second matrix is the track's, the first the whole film's.
    place = data.index(identity, data.index(b"tkhd"))
    a, b, c, d = (one * value for value in matrix)
    other = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "a.mp4").write_bytes(data[:place] + other + data[place + len(identity) :])
    expected = moved(read_video(plain), *matrix)
    for name in ("a.mp4", "a.mov", "a.mkv"):
        path = tmp_path / name
        if name != "a.mp4":
            remux(tmp_path / "a.mp4", path)
        np.testing.assert_array_equal(read_video(path), expected, err_msg=name)


def with_orientation(packet, flip, turns):
    """An H.264 packet of an MP4 file with a display orientation message before its picture."""
    # Cancelled: no; flips; angle; persists (1, an Exp-Golomb number); no extension; end.
    bits = f"0{flip:d}0{turns << 14:016b}010" + "01"
    message = b"\x06\x2f\x03" + int(bits, 2).to_bytes(3, "big") + b"\x80"
    changed = av.Packet(struct.pack(">I", len(message)) + message + bytes(packet))
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.is_keyframe = packet.is_keyframe
    return changed


def test_an_orientation_on_key_frames_alone_holds_until_another_one_comes(tmp_path):
    options = {"g": "5", "keyint_min": "5", "sc_threshold": "0"}
    plain = encode(tmp_path / "plain.mp4", clip(15), ("libx264", "yuv444p", options))
    messages = [(False, 1), (True, 1)]  # flip, then turn; none on the third key frame

    def change(packet):
        if packet.is_keyframe and messages:
            packet = with_orientation(packet, *messages.pop(0))
        return [packet]

    frames = read_video(remux(plain, tmp_path / "a.mp4", change))
    as_stored = read_video(plain)
    np.testing.assert_array_equal(frames[:5], np.rot90(as_stored[:5], 1, (1, 2)))
    np.testing.assert_array_equal(frames[5:], np.rot90(as_stored[5:, :, ::-1], 1, (1, 2)))


@pytest.mark.parametrize("turns", [0, -1])
def test_frames_with_data_that_pyav_has_no_name_for_are_turned_all_the_same(turns):
    class Frame:
        rotation = 90 * turns

        @property
        def side_data(self):
            raise ValueError("29 is not a valid Type")  # of stereo films, in PyAV 15 to 18

    reader = FrameReader(Path("a.mp4"))
    reader.pixels = lambda frame: clip(1)[0]
    np.testing.assert_array_equal(reader(Frame()), np.rot90(clip(1)[0], turns))


# --- alpha ---------------------------------------------------------------------------------------


def test_alpha_beside_the_stream_is_laid_on_white():
    frames = read_video(CASES / "alpha_vp9.webm").astype(int)
    assert frames.shape[1:] == (64, 64, 3)
    assert (frames[:, :, :30] >= 253).all()
    assert np.abs(frames[:, :, 36:] - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("a.webm", ("libvpx", "yuva420p", {"crf": "4", "b": "4M", "auto-alt-ref": "0"})),
        ("a.webm", ("libvpx-vp9", "yuva420p", {"crf": "4", "auto-alt-ref": "0"})),
        ("a.mkv", ("ffv1", "yuva420p", {})),
    ],
)
def test_alpha_of_every_kind(tmp_path, name, encoder):
    frames = np.zeros((6, 64, 66, 4), np.uint8)
    frames[..., 2] = 255
    frames[:, 8:24, :, 3], frames[:, 40:56, :, 3] = 128, 255
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(encoder[0], rate=25, options=encoder[2])
        stream.width, stream.height, stream.pix_fmt = 66, 64, encoder[1]
        stream.metadata["alpha_mode"] = "1"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgba")))
        container.mux(stream.encode(None))
    read = read_video(tmp_path / name).astype(int)
    assert read.shape == (6, 64, 66, 3)
    for rows, colour in ((np.s_[0:4], 255), (np.s_[12:20], 127), (np.s_[44:52], 0)):
        assert np.abs(read[:, rows] - (colour, colour, 255)).max() <= 6, rows


# --- the stream that is read ---------------------------------------------------------------------


def test_the_film_is_read_and_not_the_preview_before_it(src):
    np.testing.assert_array_equal(read_video(CASES / "twostreams.mov"), src)


# --- colours -------------------------------------------------------------------------------------

# Matrix of ITU-T H.273 -> the weights of red and blue in luma; 2: unspecified, 10: the other
# coding of BT.2020, which FFmpeg reads as the usual one.
WEIGHTS = {
    1: (0.2126, 0.0722),
    2: (0.299, 0.114),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
LIMITED, FULL = 1, 2


def tagged(path, levels, matrix, colour_range, pixel_format="yuv444p"):
    """Flat frames of the levels of each plane, without loss, with tags; returns the path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixel_format
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, colour_range
        for _ in range(2):
            frame = av.VideoFrame(48, 32, pixel_format)
            frame.colorspace, frame.color_range = matrix, colour_range
            for plane, level in zip(frame.planes, levels, strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_file_that_is_tagged_bt709():
    frames = read_video(CASES / "bt709_tv.mp4").astype(int)
    assert np.abs(frames - (32, 192, 64)).max() <= 2


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
def test_colours_follow_the_tags(tmp_path, matrix, colour_range):
    levels = (120, 100, 150)
    luma, blue, red = np.subtract(levels, (16, 128, 128)) / (219, 224, 224)
    if colour_range == FULL:
        luma, blue, red = np.subtract(levels, (0, 128, 128)) / 255
    of_red, of_blue = WEIGHTS[matrix]
    r, b = luma + 2 * (1 - of_red) * red, luma + 2 * (1 - of_blue) * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    frames = read_video(tagged(tmp_path / "a.mkv", levels, matrix, colour_range))
    assert np.abs(frames - 255 * np.array([r, g, b])).max() <= 2


@pytest.mark.parametrize(("colour_range", "expected"), [(LIMITED, 121), (FULL, 120)])
def test_grey_of_either_range(tmp_path, colour_range, expected):
    frames = read_video(tagged(tmp_path / "a.mkv", [120], 2, colour_range, "gray"))
    assert frames.shape == (2, 32, 48, 1) and (frames == expected).all()


def test_colours_of_a_rare_matrix_are_refused_in_one_line(tmp_path):
    path = tagged(tmp_path / "a.mkv", (120, 100, 150), 8, LIMITED)
    with pytest.raises(DataError, match=r"a\.mkv: its colours have the rare matrix 8 of H\.273"):
        read_video(path)


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "aspect", "transfer", "expected"),
    [
        ("a.mp4", "1/1", "bt709", []),
        ("a.mp4", "4/3", "bt709", ["pixels are not square (4:3), frames are read as stored"]),
        ("a.mp4", "1/1", "smpte2084", ["colours are HDR (PQ), values are read as stored"]),
        ("a.mkv", "1/1", "arib-std-b67", ["colours are HDR (HLG), values are read as stored"]),
    ],
)
def test_what_is_read_otherwise_than_it_is_shown_is_told(
    tmp_path, name, aspect, transfer, expected
):
    options = {"x264-params": f"sar={aspect}:transfer={transfer}"}
    path = encode(tmp_path / name, clip(20), ("libx264", "yuv420p", options))
    assert remarks(path) == expected
    assert read_video(path).shape == clip(20).shape


def test_of_what_is_no_video_nothing_is_told(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    for path in (tmp_path, tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "a.npz"):
        assert remarks(path) == []
