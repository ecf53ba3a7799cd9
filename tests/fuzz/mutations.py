"""Damages a file, at random but repeatably: cuts, flips, splices, extreme numbers, and below seals.

A zip, PNG or TFRecord file refuses most damage by its checksums. What is behind them is reached by
damaging the content and sealing it again.
"""

import functools
import gzip
import io
import re
import struct
import zipfile
import zlib

import numpy as np

_EXTREMES = (
    0,
    1,
    127,
    128,
    255,
    60000,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    10**12,
    2**63,
    2**64 - 1,
)
_WORDS = (
    b"0 -1 1e400 -1e400 1e-400 NaN Infinity null true {} [] 99999999999999999999 0.5 "
    b'"" "\\ud800" "\\u0000" "../../x" "/dev/zero" 1099511627776 '
).split() + [b"9" * 5000, b"[" * 3000, b"[" * 960 + b"]" * 960, b'{"a":' * 100_000]
_TOKEN = re.compile(rb'-?[0-9][0-9.e+-]*|"[^"]*"|true|false|null')
PNG = b"\x89PNG\r\n\x1a\n"


def mutate(content: bytes, rng: np.random.Generator) -> tuple[bytes, bool]:
    """(damaged content, whether its checksums still stand as they were)."""
    if rng.random() < 0.5 and (inner := _behind_the_seal(content, rng)) is not None:
        return inner, False
    return _damaged(content, rng), True


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    ways = [_cut, _flip, _flip, _run, _splice, _extreme, _extreme]
    if _is_text(content):
        ways += [_word] * 7
    for _ in range(1 + rng.geometric(0.6)):
        content = ways[rng.integers(len(ways))](content, rng)
    return content


def _place(content, rng):
    # Headers are at the beginning and, in zip files, at the end.
    span = len(content) if rng.random() < 0.6 else min(len(content), 96)
    place = int(rng.integers(max(1, span)))
    return len(content) - 1 - place if rng.random() < 0.2 and content else place


def _cut(content, rng):
    return content[: _place(content, rng)]


def _flip(content, rng):
    data = bytearray(content)
    for _ in range(int(rng.geometric(0.5))):
        if data:
            data[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _run(content, rng):
    place, length = _place(content, rng), int(rng.integers(1, 40))
    filler = (b"\0", b"\xff", None)[int(rng.integers(3))]
    run = rng.bytes(length) if filler is None else filler * length
    return content[:place] + run + content[place + length :]


def _splice(content, rng):
    start, place = _place(content, rng), _place(content, rng)
    piece = content[start : start + int(rng.integers(1, 400))]
    return content[:place] + piece * int(rng.integers(1, 4)) + content[place:]


def _extreme(content, rng):
    value = _EXTREMES[int(rng.integers(len(_EXTREMES)))]
    code = "BHIQ"[int(rng.integers(4))]
    size = struct.calcsize(code)
    field = struct.pack("<>"[int(rng.integers(2))] + code, value % (1 << 8 * size))
    place = _place(content, rng)
    return content[:place] + field + content[place + size :]


def _word(content, rng):
    tokens = list(_TOKEN.finditer(content))
    if not tokens:
        return content
    token = tokens[int(rng.integers(len(tokens)))]
    word = _WORDS[int(rng.integers(len(_WORDS)))]
    return content[: token.start()] + word + content[token.end() :]


def _is_text(content):
    return bool(content) and all(byte < 127 for byte in content[:512])


def _behind_the_seal(content, rng):
    if content.startswith(b"PK"):
        return _in_zip(content, rng)
    if content.startswith(PNG):
        return _in_png(content, rng)
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(_damaged(gzip.decompress(content), rng), 1)
    return _in_records(content, rng)


def _in_zip(content, rng):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    chosen = int(rng.integers(len(members)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for index, (info, data) in enumerate(members):
            data = _damaged(data, rng) if index == chosen else data
            archive.writestr(info.filename, data, info.compress_type)
    return file.getvalue()


def _in_png(content, rng):
    chunks, place = [], len(PNG)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    chosen = int(rng.integers(len(chunks)))
    kind, data = chunks[chosen]
    chunks[chosen] = (kind, _damaged(data, rng))
    return png(chunks)


def png(chunks) -> bytes:
    """A PNG of (kind, data) chunks."""
    return PNG + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _in_records(content, rng):
    places, place = [], 0
    while place + 16 <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        if place + 16 + length > len(content):
            return None
        places.append((place + 12, place + 12 + length))
        place += 16 + length
    if not places or place != len(content):
        return None
    records = [content[start:end] for start, end in places]
    chosen = int(rng.integers(len(records)))
    records[chosen] = _damaged(records[chosen], rng)
    return b"".join(map(record, records))


def record(data: bytes, length: int | None = None) -> bytes:
    """A TFRecord of `data`, with right checksums; `length`: what its header is to say instead."""
    head = struct.pack("<Q", len(data) if length is None else length)
    return head + _masked_crc(head) + data + _masked_crc(data)


def _masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _crc_table()[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@functools.cache
def _crc_table():
    """Of CRC-32C, Castagnoli's polynomial, reflected."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table
