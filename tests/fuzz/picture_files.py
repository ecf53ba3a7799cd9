"""Images, GIFs and videos as nobody would write them."""

import struct
import zlib

from tests.fuzz.mutations import png
from tests.fuzz.reader import written


def png_of(width, height, kind=2, depth=8, data=b"", extra=()):
    """A PNG whose header says this."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return png([(b"IHDR", head), *extra, (b"IDAT", zlib.compress(data)), (b"IEND", b"")])


def hostile_images() -> dict[str, bytes]:
    """Name with its suffix -> image."""

    def with_text(kind, count):
        text = zlib.compress(bytes(200 << 20), 9)
        return png_of(1, 1, data=b"\0" * 4, extra=[(kind, b"a\0\0" + text)] * count)

    sizes = ((60000, 60000), (2**31 - 1, 2**31 - 1), (0, 0), (2**31 - 1, 1), (8192, 8192))
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 60000, 60000, 1, 24, *6 * [0])
    tiff = {256: 60000, 257: 60000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60000, 279: 2**31}
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + b"\xff\xff\x00" * 2
    anim = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    vp8 = b"VP8 " + struct.pack("<I", 10) + b"\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"
    return {f"png_{w}_x_{h}.png": png_of(w, h) for w, h in sizes} | {
        "png_text_bomb.png": lambda: with_text(b"zTXt", 20),
        "png_profile_bomb.png": lambda: with_text(b"iCCP", 1),
        "png_too_much.png": lambda: png_of(8, 8, data=bytes(1 << 30)),
        "png_too_little.png": png_of(5000, 5000, data=b"\0"),
        "png_chunks.png": png_of(1, 1, data=b"\0" * 4, extra=[(b"tEXt", b"")] * 100_000),
        "bmp_60000.bmp": bmp,
        "tiff_60000.tif": _tiff(tiff),
        "tiff_2^31.tif": _tiff(tiff | {256: 2**31 - 1, 257: 2**31 - 1}),
        "tiff_loop.tif": _tiff(tiff | {256: 1, 257: 1}, following=8),
        "tiff_strips.tif": _tiff(tiff | {278: 1}),
        "webp_16384.webp": _riff(b"WEBP" + vp8x + anim),
        "webp_2^24.webp": _riff(b"WEBP" + vp8x[:12] + b"\xff" * 6),
        "webp_still.webp": _riff(b"WEBP" + vp8),
        "ppm_60000.ppm": b"P6 60000 60000 255\n",
        "ppm_long.ppm": b"P6 " + b"9" * 100_000 + b" 1 255\n",
        "ppm_comments.ppm": b"P6\n" + b"#\n" * 500_000,
        "pgm_depth.pgm": b"P5 8 8 99999999999\n" + bytes(64),
        "jpeg_65500.jpg": _jpeg(65500, 65500),
        "jpeg_scans.jpg": lambda: _progressive_jpeg(5000),
        "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) (w) file\n",
        "empty.png": b"",
    }


def _riff(data):
    return b"RIFF" + struct.pack("<I", len(data)) + data


def _tiff(tags, following=0):
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0\10\0\0\0" + struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


def _jpeg(width, height):
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\1\1\0\0\x3f\0" + b"\xff\xd9"


def _progressive_jpeg(scans):
    """4000 x 4000 pixels, gone over again and again; each time costs a few bytes."""
    from PIL import Image

    image = Image.new("L", (4000, 4000))
    content = written(lambda file: image.save(file, "JPEG", progressive=True, optimize=True))
    starts = [i for i in range(len(content)) if content[i : i + 2] == b"\xff\xda"]
    table = content.rindex(b"\xff\xc4", 0, starts[-1])
    return content[:-2] + content[table:-2] * scans + b"\xff\xd9"


def gif_of(width, height, frames=1):
    """A GIF whose screen has this size; each frame is one pixel."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * frames + b";"


def hostile_gifs() -> dict[str, bytes]:
    """Name -> GIF."""
    return {
        "60000_x_60000": gif_of(60000, 60000),
        "65535_x_1": gif_of(65535, 1),
        "0_x_0": gif_of(0, 0),
        "4000_x_4000_100_times": gif_of(4000, 4000, 100),
        "100000_frames": gif_of(2, 2, 100_000),
        "blocks": gif_of(2, 2)[:-1] + b"!\xfe" + b"\1a" * 500_000 + b"\0;",
        "no_end": gif_of(2, 2)[:-1] + b"!\xfe" + b"\1a" * 500_000,
    }


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of an MP4 file."""
    data = b"".join(content)
    return struct.pack(">I", 8 + len(data)) + kind + data


def hostile_mp4s(whole: bytes) -> dict[str, bytes]:
    """Name -> MP4, made of one that can be read."""
    sizes = ((65535, 65535), (32767, 32767), (0, 0), (8192, 4096))
    resized = {f"{w}_x_{h}": _over(whole, b"avc1", 28, struct.pack(">HH", w, h)) for w, h in sizes}
    return resized | {
        "nested": _nested(whole),
        "compressed_header": lambda: whole[:32] + _compressed_header(),
        "play_list": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp4\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "reference": _reference(whole, b"http://127.0.0.1:9/a"),
        "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        "name": _over(whole, b"VideoHandler", 0, b"\xff\xfe\x80 invalid"),
    }


def _over(whole, mark, distance, piece):
    """Other bytes at a distance from where `mark` begins."""
    place = whole.index(mark) + distance
    return whole[:place] + piece + whole[place + len(piece) :]


def _nested(whole):
    for _ in range(2000):
        whole = box(b"moov", whole)
    return whole


def _compressed_header():
    zipped = zlib.compress(bytes(1 << 28), 9)
    content = box(b"cmvd", struct.pack(">I", 1 << 31), zipped)
    return box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), content))


def _reference(whole, address):
    """Frames that lie at another address, with the lengths around it mended."""
    place = whole.index(b"dref") - 4
    (length,) = struct.unpack_from(">I", whole, place)
    new = box(b"dref", b"\0\0\0\0\0\0\0\1", box(b"url ", b"\0\0\0\0", address))
    data = bytearray(whole[:place] + new + whole[place + length :])
    for outer in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        start = data.index(outer) - 4
        (size,) = struct.unpack_from(">I", data, start)
        struct.pack_into(">I", data, start, size + len(new) - length)
    return bytes(data)
