"""Images, GIFs and videos as nobody would write them."""

import io
import struct
import zlib

from tests.fuzz.mutations import png


def png_of(width, height, kind=2, depth=8, data=b"", extra=()):
    """A PNG whose header says this."""
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return png([(b"IHDR", head), *extra, (b"IDAT", zlib.compress(data)), (b"IEND", b"")])


def hostile_images() -> dict[str, bytes]:
    """Name with its suffix -> image."""
    text = zlib.compress(bytes(200 << 20), 9)
    made = {
        f"png_{w}_x_{h}.png": png_of(w, h)
        for w, h in ((60000, 60000), (2**31 - 1, 2**31 - 1), (0, 0), (2**31 - 1, 1), (8192, 8192))
    }
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 60000, 60000, 1, 24, *6 * [0])
    tiff = {256: 60000, 257: 60000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60000, 279: 2**31}
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + b"\xff\xff\x00" * 2
    anim = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    vp8 = b"VP8 " + struct.pack("<I", 10) + b"\x30\x01\x00\x9d\x01\x2a\xff\x3f\xff\x3f"
    return made | {
        "png_text_bomb.png": png_of(1, 1, data=b"\0" * 4, extra=[(b"zTXt", b"a\0\0" + text)] * 20),
        "png_profile_bomb.png": png_of(1, 1, data=b"\0" * 4, extra=[(b"iCCP", b"a\0\0" + text)]),
        "png_too_much.png": png_of(8, 8, data=bytes(1 << 30)),
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
        "jpeg_scans.jpg": _progressive_jpeg(5000),
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

    file = io.BytesIO()
    Image.new("L", (4000, 4000)).save(file, "JPEG", progressive=True, optimize=True)
    content = file.getvalue()
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
    boxes = whole
    for _ in range(2000):
        boxes = box(b"moov", boxes) if len(boxes) < 1 << 20 else boxes
    zipped = zlib.compress(bytes(1 << 28), 9)
    compressed = box(
        b"moov",
        box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", 1 << 31), zipped)),
    )
    made = {
        "nested": boxes,
        "compressed_header": whole[:32] + compressed,
        "play_list": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp4\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "reference": _table(
            whole, b"dref", b"\0\0\0\0\0\0\0\1" + box(b"url ", b"\0\0\0\0http://127.0.0.1:9/a")
        ),
        "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        "name": _renamed(whole),
    }
    for width, height in ((65535, 65535), (32767, 32767), (0, 0), (8192, 4096)):
        made[f"{width}_x_{height}"] = _resized(whole, width, height)
    return made


def _table(whole, kind, content):
    """Another content for the first box of a kind, with the lengths around it mended."""
    place = whole.index(kind) - 4
    (length,) = struct.unpack_from(">I", whole, place)
    new = box(kind, content)
    data = bytearray(whole[:place] + new + whole[place + length :])
    _mend(data, 0, len(whole), place, len(new) - length)
    return bytes(data)


def _mend(data, start, end, place, more):
    inside = (b"moov", b"trak", b"mdia", b"minf", b"dinf")
    while start < end:
        (length,) = struct.unpack_from(">I", data, start)
        if start < place < start + length:
            struct.pack_into(">I", data, start, length + more)
            if bytes(data[start + 4 : start + 8]) in inside:
                _mend(data, start + 8, start + length, place, more)
        start += max(8, length)


def _resized(whole, width, height):
    place = whole.index(b"avc1") + 28
    return whole[:place] + struct.pack(">HH", width, height) + whole[place + 4 :]


def _renamed(whole):
    """A handler's name that is no UTF-8."""
    place = whole.index(b"VideoHandler")
    return whole[:place] + b"\xff\xfe\x80 invalid"[:12] + whole[place + 12 :]
