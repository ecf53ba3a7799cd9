"""The handwritten digits that Moving MNIST moves, from one of three sources."""

import gzip
import math
import os
import struct
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_pipelines.errors import DataError, damage_named, require_one_of
from data_pipelines.paths import local_path

EMBEDDED_FILE = Path(__file__).parent / "data" / "mnist_10k.npz"
SOURCES = ("embedded", "idx", "tfds")
DIGIT_SIZE = 28
_MAGIC = b"\0\0\x08\x03"  # of idx: unsigned bytes, three dimensions
_MAX_BYTES = 1 << 27  # MNIST's larger file has 47 MB


class Digits(NamedTuple):
    """MNIST's two parts, which never mix: uint8 [N, 28, 28] in [0, 255] each."""

    train: np.ndarray
    test: np.ndarray


def load_digits(source: str = "embedded", digits_dir: str | os.PathLike | None = None) -> Digits:
    """Load the digits.

    Args:
        source: "embedded": 8,000 + 2,000 digits that come with the package. "idx": MNIST's own
            files, in digits_dir. "tfds": TensorFlow Datasets, downloaded if necessary.
        digits_dir: the folder of the idx files, or TFDS' data folder (None: its default).

    Raises:
        DataError: if they cannot be had.
    """
    require_one_of("digits_source", source, SOURCES)
    if source == "embedded" and digits_dir:
        raise DataError(
            f"digits_dir is {str(digits_dir)!r} but digits_source is 'embedded', which reads no "
            "folder; give digits_source 'idx' or 'tfds', or no digits_dir."
        )
    if source == "idx" and not digits_dir:
        raise DataError("digits_source is 'idx' without digits_dir; name the idx files' folder.")
    folder = local_path(digits_dir) if digits_dir else None
    if source == "embedded":
        return load_embedded()
    return load_idx(folder) if source == "idx" else _load_tfds(folder)


def load_embedded() -> Digits:
    """Load the digits that come with the package (see data/README.md)."""
    with np.load(EMBEDDED_FILE, allow_pickle=False) as arrays:
        return Digits(arrays["train"], arrays["test"])


def load_idx(folder: Path) -> Digits:
    """Load MNIST's own files from a folder, dotted or gzipped too; labels are not needed."""
    return Digits(*(_read_idx(_find_idx(folder, stem)) for stem in ("train", "t10k")))


def split_train_validation(count: int, share: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Split indices 0..count-1 as the authors do: int64 (training, validation), both ascending."""
    order = np.arange(count)
    np.random.RandomState(42).shuffle(order)
    num_train = int(share * count)
    return np.sort(order[:num_train]), np.sort(order[num_train:])


def _find_idx(folder: Path, stem: str) -> Path:
    names = [f"{stem}-images{mark}idx3-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"{folder} has no {names[0]} (or {', '.join(names[1:])}); put MNIST's idx files there or "
        "correct digits_dir."
    )


def _read_idx(path: Path) -> np.ndarray:
    """The images of an idx file, uint8 [N, 28, 28]: a header of 16 bytes, then the pixels."""
    with damage_named(f"{path} cannot be read", "fetch it again or correct the path"):
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise DataError(
            f"{path} holds more than {_MAX_BYTES >> 20} MiB, far more than MNIST's files; fetch it "
            "again."
        )
    if len(content) < 16 or not content.startswith(_MAGIC):
        raise DataError(f"{path} is no idx file of images; expected MNIST's *-images-idx3-ubyte.")
    shape, pixels = struct.unpack_from(">III", content, 4), len(content) - 16
    if pixels != math.prod(shape):
        raise DataError(
            f"{path} holds {pixels} bytes of pixels where its header says {math.prod(shape)}; "
            "fetch it again."
        )
    if shape[1:] != (DIGIT_SIZE, DIGIT_SIZE) or not pixels:
        raise DataError(f"{path} holds images of shape {list(shape)}; MNIST's are [N, 28, 28].")
    return np.frombuffer(content, np.uint8, offset=16).reshape(shape)


def _load_tfds(data_dir: Path | None) -> Digits:
    # Importing it takes seconds, and only this source needs it.
    import tensorflow_datasets as tfds

    what = f"TFDS cannot prepare mnist in {data_dir or 'its default folder'}"
    sources = "digits_source 'embedded' or 'idx'"
    way_out = f"give a prepared digits_dir, allow the download, or use {sources}"
    with damage_named(what, way_out):
        builder = tfds.builder("mnist", data_dir=data_dir)
        if not builder.is_prepared():
            _require_answer(builder.URL)
            builder.download_and_prepare()
        parts = builder.as_dataset(split=["train", "test"], batch_size=-1)
        return Digits(*(tfds.as_numpy(part)["image"][..., 0] for part in parts))


def _require_answer(url: str) -> None:
    """Raise OSError at once if there is no network: TFDS itself would try for minutes."""
    try:
        urllib.request.urlopen(url, timeout=20).close()
    except urllib.error.HTTPError:
        pass  # an answer, if only that a folder cannot be read
