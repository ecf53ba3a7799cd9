"""Write the digits that come with the package: an even choice out of MNIST's own files.

    python -m data_pipelines.moving_mnist.make_embedded_digits --digits_dir=<idx files>

Of each part, digit floor(i * N / n) is kept for i = 0..n-1: every 7.5th of the 60,000 for training,
every 5th of the 10,000 for testing. MNIST's order is not sorted by class, so all ten classes keep
their shares, and both halves of the test part (written by different groups) are kept alike.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from absl import app

from data_pipelines.errors import DataError
from data_pipelines.moving_mnist.digits import EMBEDDED_FILE, load_idx
from data_pipelines.paths import define_path

NUM_TRAIN = 8_000
NUM_TEST = 2_000

_DIGITS_DIR = define_path("digits_dir", None, "Folder of MNIST's idx files.", required=True)
_OUTPUT = define_path("output", str(EMBEDDED_FILE), "File to write.")


_LABELS_HEADER = 8  # bytes of an idx file with one dimension


def choose(images: np.ndarray, count: int) -> np.ndarray:
    """Keep `count` images, or labels, evenly spaced: uint8 [count, ...]."""
    if len(images) < count:
        raise DataError(f"digits_dir holds {len(images)} images of a part; {count} are chosen.")
    return images[np.arange(count) * len(images) // count]


def read_labels(folder: Path, stem: str) -> np.ndarray:
    """The classes of a part's digits, uint8 [N] in 0..9."""
    content = (folder / f"{stem}-labels-idx1-ubyte").read_bytes()
    return np.frombuffer(content, np.uint8, offset=_LABELS_HEADER)


def main(_) -> None:
    """Read the idx files, choose, write, print the checksums that data/README.md states."""
    try:
        folder = Path(_DIGITS_DIR.value)
        digits = load_idx(folder)
        chosen = {
            "train": choose(digits.train, NUM_TRAIN),
            "test": choose(digits.test, NUM_TEST),
            "train_labels": choose(read_labels(folder, "train"), NUM_TRAIN),
            "test_labels": choose(read_labels(folder, "t10k"), NUM_TEST),
        }
    except (DataError, OSError) as error:
        sys.exit(str(error))
    np.savez_compressed(_OUTPUT.value, **chosen)
    for part, images in chosen.items():
        print(part, images.shape, "sha256", hashlib.sha256(images.tobytes()).hexdigest())


if __name__ == "__main__":
    app.run(main)
