"""Image files of several pages are videos of them; values of 9 to 16 bits keep their brightness."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from data_pipelines.errors import DataError
from data_pipelines.readers.video_files import read_video
from tests.data_pipelines.readers.test_video_files import clip, refusal, save_images, save_pages

CASES = Path(__file__).parents[2] / "data" / "cases"
GREY = clip()[..., 0]
# Grey pixels of 16 bits, 12 of them used.
TWELVE = (np.arange(64, dtype=np.uint16).reshape(8, 8) * 65).astype(np.uint16)
TWELVE_SHOWN = np.rint(TWELVE / 4095 * 255)


def test_a_stack_of_pages_is_a_video():
    with Image.open(CASES / "stack_of_pages.tif") as image:
        expected = []
        for page in range(image.n_frames):
            image.seek(page)
            expected.append(np.asarray(image.convert("RGB")))
    assert len(expected) > 1
    found = read_video(CASES / "stack_of_pages.tif")
    np.testing.assert_array_equal(found, np.stack(expected)[..., : found.shape[-1]])


@pytest.mark.parametrize(
    ("name", "options"), [("a.tif", {}), ("a.png", {}), ("a.webp", {"lossless": True})]
)
def test_pages_are_frames_and_no_frame_of_a_folder(tmp_path, name, options):
    path = save_pages(tmp_path / name, clip(), **options)
    np.testing.assert_array_equal(read_video(path), clip())
    np.testing.assert_array_equal(read_video(path, 3), clip()[:3])
    with pytest.raises(DataError, match=rf"{name}: holds {len(clip())} pages, .* each as a file"):
        read_video(tmp_path)


def test_grey_pages_are_grey(tmp_path):
    found = read_video(save_pages(tmp_path / "a.tif", GREY))
    np.testing.assert_array_equal(found, GREY[..., None])


def test_the_picture_for_those_who_cannot_play_an_animation_is_no_frame(tmp_path):
    path = save_pages(tmp_path / "a.png", clip(), default_image=True)
    np.testing.assert_array_equal(read_video(path), clip()[1:])


def test_a_smaller_copy_in_a_tiff_is_no_page(tmp_path):
    with TiffImagePlugin.AppendingTiffWriter(str(tmp_path / "1.tif"), True) as writer:
        for frame, tags in ((clip()[0], {}), (clip()[0, ::2, ::2], {254: 1})):
            Image.fromarray(frame).save(writer, "TIFF", tiffinfo=tags)
            writer.newFrame()
    np.testing.assert_array_equal(read_video(tmp_path), clip()[:1])


def test_pages_that_pillow_does_not_see_are_refused_with_their_number(tmp_path):
    Image.fromarray(GREY[0]).save(tmp_path / "a.tif", tiffinfo={270: "ImageJ=1.54f\nimages=40\n"})
    assert "holds 40 pages with one header" in refusal(tmp_path / "a.tif")
    wide = GREY[0].astype(">u2") * 257
    for name, magic, most, frame in (
        *(("a.pgm", "P5", 255, GREY[0]), ("a.ppm", "P6", 255, clip()[0])),
        *(("b.pgm", "P5", 65535, wide), ("c.pgm", "P5", 4095, wide >> 4)),
    ):
        folder = tmp_path / f"{name} folder"
        folder.mkdir()
        head = f"{magic}\n{frame.shape[1]} {frame.shape[0]}\n{most}\n".encode()
        (folder / name).write_bytes(3 * (head + frame.tobytes()))
        with pytest.raises(DataError, match="holds 3 pictures; save each"):
            read_video(folder)
        assert "holds 3 pictures" in refusal(folder / name)


def test_16_bits_of_pgm(tmp_path):
    content = (CASES / "pgm_16bit.pgm").read_bytes()
    (tmp_path / "1.pgm").write_bytes(content)
    width, height = map(int, content.split()[1:3])
    values = np.frombuffer(content[-2 * width * height :], ">u2").reshape(1, height, width, 1)
    np.testing.assert_array_equal(read_video(tmp_path), np.rint(values / 65535 * 255))


def twelve_bit_tiff():
    """A TIFF of 12 bits a pixel, two pixels in three bytes."""
    pairs = TWELVE.reshape(-1, 2).astype(np.uint32)
    packed = pairs[:, 0] << 12 | pairs[:, 1]
    data = b"".join(int(pair).to_bytes(3, "big") for pair in packed)
    tags = {256: 8, 257: 8, 258: 12, 259: 1, 262: 1, 273: 134, 277: 1, 278: 8, 279: len(data)}
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in tags.items()
    )
    head = b"II*\0\10\0\0\0" + len(tags).to_bytes(2, "little") + entries + bytes(4)
    return head.ljust(134, b"\0") + data


def test_12_bits_a_pixel(tmp_path, caplog):
    (tmp_path / "1.tif").write_bytes(twelve_bit_tiff())
    np.testing.assert_array_equal(read_video(tmp_path), TWELVE_SHOWN[None, ..., None])
    assert not caplog.records


@pytest.mark.parametrize(
    ("values", "tags", "expected"),
    [
        (TWELVE, {281: 4095}, TWELVE_SHOWN),
        (TWELVE, {270: '<OME><Image><Pixels SignificantBits="12"/></Image></OME>'}, TWELVE_SHOWN),
        # A brightest value that is no number of bits changes nothing.
        (np.full((8, 8), 30211, np.uint16), {281: 30211}, round(30211 / 257)),
        # Negatives.
        (TWELVE * 16, {262: 0}, np.rint((65535 - TWELVE * 16.0) / 257)),
    ],
)
def test_tags_of_16_bits_are_heeded(tmp_path, caplog, values, tags, expected):
    Image.fromarray(values).save(tmp_path / "1.tif", tiffinfo=tags)
    np.testing.assert_array_equal(read_video(tmp_path)[0, ..., 0], expected)
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_few_of_16_bits_are_told_once_where_the_file_does_not_say(tmp_path, caplog, suffix):
    folder = save_images(tmp_path / "a", [TWELVE] * 3, f"{{}}.{suffix}")
    with caplog.at_level(logging.WARNING):
        frames = read_video(folder)
    np.testing.assert_array_equal(frames[0, ..., 0], np.rint(TWELVE / 65535 * 255))
    (record,) = caplog.records
    assert f"1.{suffix}: its 16-bit values reach 4095 of 65535" in record.getMessage()
