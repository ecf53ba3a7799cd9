"""Images in the graph: the same frames as the pipelines make of the same files."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data_pipelines.moving_mnist.digits import load_embedded
from data_pipelines.readers.image_folders import iterate_images
from data_pipelines.readers.resizing import fit_frames
from export.signatures.image_bytes import MAX_IMAGE_PIXELS, decode_videos, encode_videos
from srvp_tf.video import to_uint8

SIZE = 32


def picture(height, width):
    """Real digits on a slope of colours, uint8 [H, W, 3]."""
    digit = Image.fromarray(load_embedded().test[3]).resize((width, height), Image.BICUBIC)
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    colours = np.stack([x, y, 255 - x], axis=-1)
    return (0.5 * colours + 0.5 * np.asarray(digit)[..., None]).astype(np.uint8)


def encoded(pixels, kind="PNG", mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def decode():
    """(uint8 [B, T, 32, 32, C], valid [B]) of images [B, T]."""
    functions = {
        channels: tf.function(
            lambda images, channels=channels: decode_videos(images, SIZE, channels),
            input_signature=[tf.TensorSpec([None, None], tf.string)],
            autograph=False,
        )
        for channels in (1, 3)
    }

    def decode(images, channels=3):
        frames, valid = functions[channels](tf.constant(images))
        values = 255.0 * frames.numpy()
        np.testing.assert_allclose(values, np.round(values), atol=1e-4)
        return np.round(values).astype(np.uint8), valid.numpy()

    return decode


def by_the_pipeline(folder, image, channels):
    """What the pipelines read from a file with these bytes: uint8 [32, 32, C]."""
    path = folder / "0.png"  # the content tells what it is
    path.write_bytes(image)
    return fit_frames(np.stack(list(iterate_images(folder))), SIZE, channels)[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (64, 64), (50, 131), (17, 31), (32, 40), (1, 1)])
@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("PNG", "P", {}),
        ("JPEG", "RGB", {"quality": 90}),
        ("JPEG", "RGB", {"quality": 50, "subsampling": 0, "progressive": True}),
        ("JPEG", "L", {}),
    ],
)
def test_it_is_what_the_pipelines_read(decode, tmp_path, kind, mode, options, size, channels):
    image = encoded(picture(*size), kind, mode, **options)
    frames, valid = decode([[image]], channels)
    assert valid.all()
    np.testing.assert_array_equal(frames[0, 0], by_the_pipeline(tmp_path, image, channels))


def test_transparent_parts_lie_on_white(decode, tmp_path):
    alpha = np.linspace(0, 255, 40 * 40).reshape(40, 40, 1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.concatenate([picture(40, 40), alpha], axis=-1)).save(file, "PNG")
    frames, _ = decode([[file.getvalue()]])
    expected = by_the_pipeline(tmp_path, file.getvalue(), 3)
    np.testing.assert_array_equal(frames[0, 0], expected)


def chunk(kind, content):
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_of(width, height, bits, colour_type, *chunks):
    """A PNG of given chunks after its header."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = (b"IHDR", header), *chunks, (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def few_bits(bits, is_palette, alphas=None):
    """A PNG of 1, 2 or 4 bits a pixel; `alphas` are those of a palette, or of grey 0 if any."""
    values = (np.arange(40 * 40).reshape(40, 40) // 7 % (1 << bits)).astype(np.uint8)
    packed = sum(values[:, i :: 8 // bits] << (8 - bits * (i + 1)) for i in range(8 // bits))
    rows = b"".join(b"\0" + bytes(row) for row in packed.astype(np.uint8))
    chunks = [(b"PLTE", bytes(range(60, 60 + (3 << bits))))] if is_palette else []
    if alphas is not None:
        chunks.append((b"tRNS", bytes(alphas) if is_palette else bytes(2)))
    return png_of(40, 40, bits, 3 * is_palette, *chunks, (b"IDAT", zlib.compress(rows)))


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize(
    ("is_palette", "alphas"),
    [(False, None), (True, None), (False, [0]), (True, [0, 100]), (True, [1] * 2), (True, [3] * 2)],
)
def test_images_of_few_bits_are_what_the_pipelines_read(decode, tmp_path, bits, is_palette, alphas):
    image = few_bits(bits, is_palette, alphas)
    frames, valid = decode([[image]])
    assert valid.all()
    np.testing.assert_array_equal(frames[0, 0], by_the_pipeline(tmp_path, image, 3))


def test_images_of_one_request_may_differ_in_size_and_kind(decode):
    images = [
        [encoded(picture(20 + 9 * i, 50), kind) for i in range(3)] for kind in ("PNG", "JPEG")
    ]
    together, valid = decode(images)
    assert valid.all()
    for b in range(2):
        for t in range(3):
            np.testing.assert_array_equal(together[b, t], decode([[images[b][t]]])[0][0, 0])


PNG, JPEG = encoded(picture(40, 40)), encoded(picture(40, 40), "JPEG")
BROKEN = {
    "nothing": b"",
    "text": b"not an image",
    "a magic number": PNG[:8],
    "a PNG's half": PNG[: len(PNG) // 2],
    "a PNG with a wrong byte": PNG[:100] + bytes([PNG[100] ^ 255]) + PNG[101:],
    "a JPEG's half": JPEG[: len(JPEG) // 2],
    "a JPEG's head": JPEG[:10],
    "a GIF": encoded(picture(40, 40), "GIF"),
    "a huge header": png_of(
        8192, MAX_IMAGE_PIXELS // 8192 + 1, 8, 2, (b"IDAT", zlib.compress(bytes(100)))
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_image_makes_its_video_invalid_and_no_other(decode, broken):
    good = [[PNG, JPEG], [JPEG, PNG]]
    expected, _ = decode(good)
    frames, valid = decode([good[0], [PNG, BROKEN[broken]], good[1]])
    np.testing.assert_array_equal(valid, [True, False, True])
    np.testing.assert_array_equal(frames[[0, 2]], expected)
    assert not frames[1].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_written_images_are_saved_frames(channels):
    frames = np.random.default_rng(0).uniform(-0.1, 1.1, (2, 3, 8, 8, channels)).astype(np.float32)
    frames[0, 0, 0] = np.arange(8)[:, None] / np.float32(255)
    images = encode_videos(tf.constant(frames)).numpy()
    for video, expected in zip(images, to_uint8(frames.clip(0, 1)), strict=True):
        for image, pixels in zip(video, expected, strict=True):
            assert image.startswith(b"\x89PNG")
            found = np.asarray(Image.open(io.BytesIO(image)))
            np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)
