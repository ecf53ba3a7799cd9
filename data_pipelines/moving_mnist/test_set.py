"""Moving MNIST's test videos: the authors' procedure, or the file that they made with it."""

import os
import zipfile
from collections.abc import Iterator

import numpy as np

from data_pipelines.errors import DataError, damage_named
from data_pipelines.moving_mnist.trajectories import render_digits, trajectory
from data_pipelines.paths import local_path
from data_pipelines.readers.npy_headers import read_header

OFFICIAL_SEED = 42
_KEY = "sequences"


def official_videos(
    digits: np.ndarray,
    length: int,
    *,
    num_digits: int = 2,
    frame_size: int = 64,
    seed: int = OFFICIAL_SEED,
    **motion,
) -> Iterator[np.ndarray]:
    """The official videos one after the other, each made when it is asked for.

    One permutation of the test digits is drawn; video i shows digits i * num_digits and up of it,
    on paths drawn in order with the same generator. `length` is part of the procedure: the first
    video that bounces more often moves all later ones.

    Args:
        digits: uint8 [N, h, h], the test digits; N // num_digits videos can be made.
        length: T, the frames of a video; the published sets have 25, or 100 if deterministic.
        num_digits: digits in a video.
        frame_size: height and width of a frame, in pixels.
        seed: of NumPy's legacy generator.
        **motion: max_speed and deterministic, see `trajectory`.

    Yields:
        uint8 [T, frame_size, frame_size].
    """
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(digits))
    options = {"frame_size": frame_size, "digit_size": digits.shape[-1], **motion}
    for video in range(len(digits) // num_digits):
        paths = np.stack([trajectory(rng, length, **options) for _ in range(num_digits)])
        shown = order[video * num_digits : (video + 1) * num_digits]
        yield render_digits(digits[shown], paths, frame_size)


class TestFile:
    """The authors' preprocessed test videos, `[s]mmnist_test_2digits_64.npz`.

    The file holds `sequences`, uint8 [T, N, H, W]. Opening it reads its header alone.
    """

    def __init__(self, path: str | os.PathLike):
        """Check the file; raises `DataError` if it is not such a file."""
        self._path = path = local_path(path)
        what = f"test_file {path} is no .npz file with an array {_KEY!r}"
        with damage_named(what, "give smmnist_test_2digits_64.npz or none"):
            with zipfile.ZipFile(path) as archive, archive.open(f"{_KEY}.npy") as member:
                shape, _, dtype = read_header(member)
        if dtype != np.uint8 or len(shape) != 4 or shape[2] != shape[3] or 0 in shape:
            raise DataError(
                f"test_file {path} holds {_KEY!r} {dtype} {list(shape)}; expected uint8 "
                "[T, N, H, H]."
            )
        self.length, self.num_videos, self.frame_size = shape[:3]

    def videos(self, length: int) -> Iterator[np.ndarray]:
        """The first `length` frames of each video, uint8 [length, H, W]; reads the file once."""
        with np.load(self._path, allow_pickle=False) as arrays:
            sequences = arrays[_KEY]
        for video in range(self.num_videos):
            yield sequences[:length, video]
