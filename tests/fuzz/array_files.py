"""NumPy's files as nobody would write them: headers that lie, bombs, pickles, strange members."""

import os
import pickle
import struct
import zipfile
import zlib

import numpy as np

from tests.fuzz.reader import written


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("echo fuzz > ran",)


def npy(header: str, data: bytes = b"", version=(1, 0), encoding="utf-8") -> bytes:
    """An .npy with this text as its header."""
    text = header.encode(encoding)
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes(version) + length + text + b"\n" + data


def header(shape, descr="|u1", order=False) -> str:
    """The text of a header."""
    return f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}"


def archive(members, compression=zipfile.ZIP_STORED) -> bytes:
    """A zip of name -> content."""

    def write(file):
        with zipfile.ZipFile(file, "w", compression) as made:
            for name, content in members.items():
                made.writestr(name, content)

    return written(write)


def zeros(member: str, head: bytes, gibibytes: int) -> bytes:
    """A zip whose one member is `head` and a lot of zeros, in a thousandth of their bytes.

    Its CRC is wrong, but who looks at that has unpacked it.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    data += block * (gibibytes << 6) + packer.flush()
    name = member.encode()
    size = min(len(head) + (gibibytes << 30), 0xFFFFFFFE)
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(data), size, len(name), 0)
    local = b"PK\3\4" + fields + name
    central = b"PK\1\2" + struct.pack("<H", 20) + fields + bytes(14) + name
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(data), 0)
    return local + data + central + b"PK\5\6" + end


def hostile_npys(shape: tuple[int, ...]) -> dict[str, bytes]:
    """Name -> .npy; `shape` is one that the reader takes."""
    objects = np.array([Evil()], dtype=object)
    huge = (10**12, *shape[1:])
    return {
        "shape_10^12": npy(header(huge), bytes(64)),
        "shape_2^34": npy(header((2**34, 1, 1, 1)[: len(shape)]), bytes(64)),
        "shape_overflows": npy(header((2**32,) * len(shape)), bytes(64)),
        "shape_negative": npy(header((-1, *shape[1:])), bytes(64)),
        "shape_of_bools": npy(header((True,) * len(shape)), bytes(64)),
        "shape_of_100_axes": npy(header((1,) * 100), bytes(64)),
        "shape_not_ascii": npy(header("(１,)"), bytes(64)),
        "nested_minus": npy("-" * 9000 + "1"),
        "nested_brackets": npy("[" * 9000),
        "nested_tuples": npy("(" * 150 + ")" * 150),
        "header_64_MiB": npy(" " * (1 << 26), version=(2, 0)),
        "header_no_text": npy("\xff" * 100, encoding="latin-1"),
        "header_of_calls": npy("__import__('os').system('touch ran')"),
        "version_3": npy(header(shape), bytes(64), version=(3, 0)),
        "version_9": npy(header(shape), bytes(64), version=(9, 0)),
        "objects": written(lambda file: np.save(file, objects)),
        "objects_named": npy(header(shape, "|O"), pickle.dumps([Evil()])),
        "type_of_2^31_bytes": npy(header(shape, f"|V{2**31 - 1}"), bytes(64)),
        "type_of_no_bytes": npy(header(huge, "|V0")),
        "type_of_text": npy(header(shape, "<U100000000"), bytes(64)),
        "type_of_fields": npy(header(shape, [("a", "<f4"), ("b", "|O")]), bytes(64)),
        "type_of_nothing": npy(header(shape, ()), bytes(64)),
        "type_of_brackets": npy(header(shape, [[[[]]]]), bytes(64)),
        "type_of_time": npy(header(shape, "<M8[ns]"), bytes(64)),
        "empty": b"",
        "pickle": pickle.dumps(Evil()),
    }


def hostile_npzs(key: str, shape: tuple[int, ...]) -> dict[str, bytes]:
    """Name -> .npz of an array `key`; `shape` is one that the reader takes."""
    name, values_per_row = f"{key}.npy", int(np.prod(shape[1:]))
    good = npy(header(shape), bytes(shape[0] * values_per_row))
    gigabytes = (1 + (3 << 30) // values_per_row, *shape[1:])
    encrypted, strange = bytearray(archive({name: good})), bytearray(archive({name: good}))
    central = encrypted.rindex(b"PK\1\2")
    encrypted[6] |= 1
    encrypted[central + 8] |= 1
    strange[8] = strange[central + 10] = 97
    lzma = bytearray(archive({name: good}, zipfile.ZIP_LZMA))
    lzma[30 + len(name) + 4] ^= 0xFF
    npys = {f"npy_{k}": archive({name: v}) for k, v in hostile_npys(shape).items()}
    return npys | {
        "bomb": zeros(name, npy(header(gigabytes)), 3),
        "bomb_columns_first": zeros(name, npy(header(gigabytes, order=True)), 3),
        "bomb_of_another_name": zeros("../../evil.npy", b"", 3),
        "encrypted": bytes(encrypted),
        "compression_97": bytes(strange),
        "lzma_damaged": bytes(lzma),
        "bzip2": archive({name: good}, zipfile.ZIP_BZIP2)[:-30],
        "no_member": archive({}),
        "paths": archive({"../../evil.npy": good, "/tmp/evil.npy": good}),
        "bare_pickle": archive({key: pickle.dumps(Evil())}),
        "metadata_nested": archive({name: good, "metadata.npy": _text("[" * 100_000)}),
        "metadata_number": archive({name: good, "metadata.npy": _text("1e400")}),
        "60000_members": lambda: archive({f"{i}.npy": b"" for i in range(60_000)}),
    }


def _text(text):
    return written(lambda file: np.save(file, np.array(text)))
