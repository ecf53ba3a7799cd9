"""Write the digits that come with the package: an even choice out of MNIST's own files.

    python -m data_pipelines.moving_mnist.make_embedded_digits --digits_dir=<idx files>

Of each part, digit floor(i * N / n) is kept for i = 0..n-1: every 7.5th of the 60,000 for training,
every 5th of the 10,000 for testing. MNIST's order is not sorted by class, so all ten classes keep
their shares, and both halves of the test part (written by different groups) are kept alike.
"""

import hashlib
from pathlib import Path

import numpy as np
from absl import flags

from data_pipelines import command_line
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist.digits import EMBEDDED_FILE, load_idx
from data_pipelines.paths import define_path

# Part -> (how its files begin, how many are chosen).
_PARTS = {"train": ("train", 8_000), "test": ("t10k", 2_000)}
_LABELS_HEADER = 8  # bytes of an idx file with one dimension


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""
    define_path("digits_dir", None, "folder of MNIST's idx files", flag_values)
    define_path("output", str(EMBEDDED_FILE), "file to write", flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Read the idx files, choose, write, print the checksums that data/README.md states."""
    if not flag_values.digits_dir:
        raise DataError("--digits_dir is missing (--help lists the flags).")
    folder, arrays = Path(flag_values.digits_dir), {}
    for images, (part, (stem, count)) in zip(load_idx(folder), _PARTS.items(), strict=True):
        if len(images) < count:
            raise DataError(f"{folder} holds {len(images)} {part} images; {count} are chosen.")
        labels = np.fromfile(folder / f"{stem}-labels-idx1-ubyte", np.uint8, offset=_LABELS_HEADER)
        chosen = np.arange(count) * len(images) // count
        arrays |= {part: images[chosen], f"{part}_labels": labels[chosen]}
    np.savez_compressed(flag_values.output, **arrays)
    for name, array in arrays.items():
        print(name, array.shape, "sha256", hashlib.sha256(array.tobytes()).hexdigest())


if __name__ == "__main__":
    command_line.run(main, define_flags)
