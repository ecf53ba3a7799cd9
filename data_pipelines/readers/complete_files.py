"""Tells video files that were cut short from whole ones, by the lengths that they declare.

FFmpeg decodes a cut file as far as it goes and says nothing. The number of frames in a header is no
measure: AVI counts repeated frames, MP4 those before its edit list. The sizes of the outermost
blocks are.
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from data_pipelines.errors import DataError, damage_named


def require_complete(path: Path) -> None:
    """Raise `DataError` if an MP4, MOV, AVI, MKV, WebM or GIF file ends before it says it does.

    Files of other formats, and those that declare no length, pass.
    """
    with damage_named(f"{path}: cannot be read"), open(path, "rb") as file:
        if not (size := os.path.getsize(path)):
            raise DataError(f"{path}: is empty; fetch it again.")
        measure = _measure(file.read(12))
        file.seek(0)
        if measure and not measure(file, size):
            raise DataError(
                f"{path}: is cut short, it declares more than its {size} bytes; fetch it again."
            )


def _measure(start: bytes) -> Callable[[BinaryIO, int], bool] | None:
    """Whether a file of some size is complete, for the format whose files start so."""
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return _mp4_is_complete
    formats = {
        b"GIF8": _gif_is_complete,
        b"\x1a\x45\xdf\xa3": _matroska_is_complete,
        b"RIFF": _riff_is_complete,
    }
    return formats.get(start[:4])


def _riff_is_complete(file: BinaryIO, size: int) -> bool:
    """AVI: one RIFF chunk or more, each with its length; 0 in recordings that were broken off."""
    end = 0
    while len(head := file.read(8)) == 8 and head[:4] == b"RIFF":
        end += 8 + struct.unpack_from("<I", head, 4)[0]
        end += end % 2
        file.seek(end)
    return end <= size + 1


def _mp4_is_complete(file: BinaryIO, size: int) -> bool:
    """ISO media: a row of boxes; length 1: it follows in 64 bits; length 0: up to the end."""
    end = 0
    while len(head := file.read(16)) >= 8:
        length = struct.unpack_from(">I", head)[0]
        if length == 1 and len(head) == 16:
            length = struct.unpack_from(">Q", head, 8)[0]
        if length < 8:
            return True
        end += length
        if end > size:
            return False
        file.seek(end)
    return True


def _matroska_is_complete(file: BinaryIO, size: int) -> bool:
    """Matroska: the EBML header, then segments; all length bits set: unknown (live streams)."""
    while len(head := file.read(5)) == 5:
        if not (first := head[4]):
            return False
        more = 8 - first.bit_length()
        length = int.from_bytes(bytes([first & (0x7F >> more)]) + file.read(more), "big")
        if length == (1 << 7 * (more + 1)) - 1:
            return True
        end = file.tell() + length
        if end > size:
            return False
        file.seek(end)
    return True


def _gif_is_complete(file: BinaryIO, size: int) -> bool:
    """GIF: blocks up to the trailer, a semicolon; images and extensions are rows of sub-blocks."""
    screen = file.read(13)
    if len(screen) < 13:
        return False
    file.seek(_palette_bytes(screen[10]), os.SEEK_CUR)
    while mark := file.read(1):
        if mark == b";":
            return True
        if mark == b",":
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return False
            file.seek(_palette_bytes(descriptor[8]), os.SEEK_CUR)
        elif mark != b"!":
            return True  # not cut but broken: for the decoder to say
        file.seek(1, os.SEEK_CUR)  # the extension's kind, or the bits of an image's first code
        while (length := file.read(1)) not in (b"", b"\0"):
            file.seek(length[0], os.SEEK_CUR)
    return False


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
