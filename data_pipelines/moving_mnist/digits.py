"""The handwritten digits that Moving MNIST moves, from one of three sources."""

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_pipelines.arguments import require_one_of
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist.idx_files import find_images, read_images
from data_pipelines.paths import local_path

EMBEDDED_FILE = Path(__file__).parent / "data" / "mnist_10k.npz"
SOURCES = ("embedded", "idx", "tfds")
DIGIT_SIZE = 28


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
    if source == "embedded":
        if digits_dir:
            raise DataError(
                f"digits_dir is {str(digits_dir)!r} but digits_source is 'embedded', which reads "
                "no folder; give digits_source 'idx' or 'tfds', or no digits_dir."
            )
        return load_embedded()
    if source == "tfds":
        return _load_tfds(local_path(digits_dir) if digits_dir else None)
    if not digits_dir:
        raise DataError("digits_source is 'idx' without digits_dir; name the idx files' folder.")
    return load_idx(local_path(digits_dir))


def load_embedded() -> Digits:
    """Load the digits that come with the package (see data/README.md)."""
    with np.load(EMBEDDED_FILE, allow_pickle=False) as arrays:
        return Digits(arrays["train"], arrays["test"])


def load_idx(folder: Path) -> Digits:
    """Load MNIST's own files from a folder; labels are not needed."""
    return Digits(*(_read_digits(find_images(folder, stem)) for stem in ("train", "t10k")))


def split_train_validation(count: int, share: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Split indices 0..count-1 as the authors do: int64 (training, validation), both ascending."""
    order = np.arange(count)
    np.random.RandomState(42).shuffle(order)
    num_train = int(share * count)
    return np.sort(order[:num_train]), np.sort(order[num_train:])


def _read_digits(path: Path) -> np.ndarray:
    images = read_images(path)
    if images.shape[1:] != (DIGIT_SIZE, DIGIT_SIZE) or not len(images):
        raise DataError(
            f"{path} holds images of shape {list(images.shape)}; MNIST's are [N, 28, 28]."
        )
    return images


def _load_tfds(data_dir: Path | None) -> Digits:
    # Importing it takes seconds, and only this source needs it.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder("mnist", data_dir=data_dir)
        if not builder.is_prepared():
            _require_answer(builder.URL)
            builder.download_and_prepare()
        parts = builder.as_dataset(split=["train", "test"], batch_size=-1)
        return Digits(*(tfds.as_numpy(part)["image"][..., 0] for part in parts))
    except Exception as error:  # whatever fails in a download: dozens of types, none of them ours
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"TFDS cannot prepare mnist in {data_dir or 'its default folder'} ({reason}); give a "
            "prepared digits_dir, allow the download, or use digits_source 'embedded' or 'idx'."
        ) from error


def _require_answer(url: str) -> None:
    """Raise OSError at once if there is no network: TFDS itself would try for minutes."""
    try:
        urllib.request.urlopen(url, timeout=20).close()
    except urllib.error.HTTPError:
        pass  # an answer, if only that a folder cannot be read
