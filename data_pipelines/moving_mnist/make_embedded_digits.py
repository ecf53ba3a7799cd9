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

_DIGITS_DIR = define_path("digits_dir", None, "Folder of MNIST's idx files.", required=True)
_OUTPUT = define_path("output", str(EMBEDDED_FILE), "File to write.")

# Part -> (how its files begin, how many are chosen).
_PARTS = {"train": ("train", 8_000), "test": ("t10k", 2_000)}
_LABELS_HEADER = 8  # bytes of an idx file with one dimension


def main(_) -> None:
    """Read the idx files, choose, write, print the checksums that data/README.md states."""
    try:
        folder, arrays = Path(_DIGITS_DIR.value), {}
        for images, (part, (stem, count)) in zip(load_idx(folder), _PARTS.items(), strict=True):
            if len(images) < count:
                raise DataError(f"{folder} holds {len(images)} {part} images; {count} are chosen.")
            labels = np.fromfile(
                folder / f"{stem}-labels-idx1-ubyte", np.uint8, offset=_LABELS_HEADER
            )
            chosen = np.arange(count) * len(images) // count
            arrays |= {part: images[chosen], f"{part}_labels": labels[chosen]}
    except (DataError, OSError) as error:
        sys.exit(str(error))
    np.savez_compressed(_OUTPUT.value, **arrays)
    for name, array in arrays.items():
        print(name, array.shape, "sha256", hashlib.sha256(array.tobytes()).hexdigest())


if __name__ == "__main__":
    app.run(main)
