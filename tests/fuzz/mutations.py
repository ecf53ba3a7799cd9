"""Damages a file, at random but repeatably: cuts, flips, splices, extreme numbers, and below seals.

A zip, PNG or TFRecord file refuses most damage by its checksums. What is behind them is reached by
damaging the content and sealing it again.
"""

import gzip
import io
import re
import struct
import zipfile
import zlib

import numpy as np
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

_EXTREMES = (0, 1, 127, 128, 255, 60000, 65535, 10**12)
_EXTREMES = sorted((*_EXTREMES, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1))
_WORDS = (
    b"0 -1 1e400 -1e400 1e-400 NaN Infinity null true {} [] 99999999999999999999 0.5 "
    b'"" "\\ud800" "\\u0000" "../../x" "/dev/zero" 1099511627776 '
).split() + [b"9" * 5000, b"[" * 3000, b"[" * 960 + b"]" * 960, b'{"a":' * 100_000]
_TOKEN = re.compile(rb'-?[0-9][0-9.e+-]*|"[^"]*"|true|false|null')
PNG = b"\x89PNG\r\n\x1a\n"


def mutate(content: bytes, rng: np.random.Generator) -> tuple[bytes, bool]:
    """(damaged content, whether its checksums still stand as they were)."""
    if rng.random() < 0.5 and (opened := _unsealed(content)):
        pieces, seal = opened
        chosen = rng.integers(len(pieces))
        pieces[chosen] = _damaged(pieces[chosen], rng)
        return seal(pieces), False
    return _damaged(content, rng), True


# --- damage --------------------------------------------------------------------------------------


def _damaged(content, rng):
    ways = [_cut, _flip, _flip, _run, _splice, _extreme, _extreme]
    if content and max(content[:512]) < 127:  # text
        ways += [_word] * 7
    for _ in range(1 + rng.geometric(0.6)):
        content = ways[rng.integers(len(ways))](content, rng)
    return content


def _place(content, rng):
    # Headers are at the beginning and, in zip files, at the end.
    span = len(content) if rng.random() < 0.6 else min(len(content), 96)
    place = int(rng.integers(max(1, span)))
    return len(content) - 1 - place if rng.random() < 0.2 and content else place


def _over(content, place, piece):
    return content[:place] + piece + content[place + len(piece) :]


def _cut(content, rng):
    return content[: _place(content, rng)]


def _flip(content, rng):
    for _ in range(rng.geometric(0.5)):
        if content:
            place = _place(content, rng)
            content = _over(content, place, bytes([content[place] ^ 1 << rng.integers(8)]))
    return content


def _run(content, rng):
    place, length = _place(content, rng), int(rng.integers(1, 40))
    filler = (b"\0", b"\xff", None)[rng.integers(3)]
    return _over(content, place, filler * length if filler else rng.bytes(length))


def _splice(content, rng):
    start, place = _place(content, rng), _place(content, rng)
    piece = content[start : start + rng.integers(1, 400)]
    return content[:place] + piece * rng.integers(1, 4) + content[place:]


def _extreme(content, rng):
    value, code = _EXTREMES[rng.integers(len(_EXTREMES))], "BHIQ"[rng.integers(4)]
    code = "<>"[rng.integers(2)] + code
    field = struct.pack(code, value % (1 << 8 * struct.calcsize(code)))
    return _over(content, _place(content, rng), field)


def _word(content, rng):
    if not (tokens := list(_TOKEN.finditer(content))):
        return content
    token, word = tokens[rng.integers(len(tokens))], _WORDS[rng.integers(len(_WORDS))]
    return content[: token.start()] + word + content[token.end() :]


# --- seals ---------------------------------------------------------------------------------------


def _unsealed(content):
    """([what is behind a checksum], a function that seals such pieces again), or None."""
    if content.startswith(b"PK"):
        return _members(content)
    if content.startswith(b"\x1f\x8b"):
        return [gzip.decompress(content)], lambda pieces: gzip.compress(pieces[0], 1)
    if content.startswith(PNG):
        return _chunks(content)
    return _records(content)


def _members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        pieces = [archive.read(info) for info in infos]

    def seal(pieces):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for info, piece in zip(infos, pieces, strict=True):
                archive.writestr(info.filename, piece, info.compress_type)
        return file.getvalue()

    return pieces, seal


def _chunks(content):
    kinds, pieces, place = [], [], len(PNG)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kinds.append(content[place + 4 : place + 8])
        pieces.append(content[place + 8 : place + 8 + length])
        place += 12 + length
    return pieces, lambda pieces: png(zip(kinds, pieces, strict=True))


def png(chunks) -> bytes:
    """A PNG of (kind, data) chunks."""
    return PNG + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _records(content):
    pieces, place = [], 0
    while place + 16 <= len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        pieces.append(content[place + 12 : place + 12 + length])
        place += 16 + length
    if pieces and place == len(content):
        return pieces, lambda pieces: b"".join(map(record, pieces))
    return None


def record(data: bytes, length: int | None = None) -> bytes:
    """A TFRecord of `data`, with right checksums; `length`: what its header is to say instead."""
    head = struct.pack("<Q", len(data) if length is None else length)
    crc_of_head, crc_of_data = (struct.pack("<I", masked_crc32c(part)) for part in (head, data))
    return head + crc_of_head + data + crc_of_data
