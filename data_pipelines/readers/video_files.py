"""Reads anybody's videos: files, folders of numbered images, NumPy files; one frame at a time.

    for frame in iterate_frames("walk.mp4"): ...      uint8 [H, W, C]
    frames = read_video("walk.mp4", max_frames=20)    uint8 [T, H, W, C]

Frames are those that the file stores, each once, in the order in which they are to be shown. Its
clock is not looked at: a frame that is shown for two seconds is one frame. They are turned and
mirrored as it says, and in the colours that its tags say. The shape of its pixels and the transfer
functions of HDR are left alone: `remarks` tells of them.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.errors import DataError, require_at_least
from data_pipelines.paths import local_path
from data_pipelines.readers.frame_arrays import ARRAY_SUFFIXES, iterate_array
from data_pipelines.readers.image_files import IMAGE_SUFFIXES, iterate_pages
from data_pipelines.readers.image_folders import iterate_images
from data_pipelines.readers.video_decoding import decode, stored_otherwise

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".gif", ".m4v", ".3gp", ".3g2")

MAX_BYTES = 1 << 29
"""Of the frames that `read_video` gives: 512 MiB. Before they are one array they take it twice."""


def iterate_frames(
    path: str | os.PathLike, max_frames: int | None = None, *, threads: int = 0
) -> Iterator[np.ndarray]:
    """Yield the frames of a video, uint8 [H, W, C], all of one shape; a few are in memory at once.

    C is 1 where the source says that it is grey (a grey pixel format, images that are all grey, a
    last axis of 1), else 3, RGB. What is transparent is laid on white.

    Args:
        path: a video (mp4, avi, mov, mkv, webm, gif: by content, not by name); a folder of
            numbered images, in the order of their numbers; an image file of several pages (TIFF,
            animated PNG or WebP); or an .npz (`frames`, or its only array) or .npy of [T, H, W, C]
            or [T, H, W], uint8 or float in [0, 1].
        max_frames: stop after so many; None: at the end.
        threads: of a video's decoder; 0: as many as it likes.

    Raises:
        DataError: one line that names the file: it does not exist, is no video, is cut short or
            damaged, holds no frame, or frames of several or of absurd sizes.
    """
    if max_frames is not None:
        require_at_least("max_frames", max_frames, 1)
    frames = itertools.islice(_frames(local_path(path), threads), max_frames)
    shape = None
    for index, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape:
            raise DataError(
                f"{path}: frame {index} has shape {frame.shape}, the first {shape}; a video needs "
                "one size."
            )
        yield frame
    if shape is None:
        raise DataError(f"{path}: holds no frame.")


def read_video(path: str | os.PathLike, max_frames: int | None = None) -> np.ndarray:
    """All frames of a video, or the first `max_frames`: uint8 [T, H, W, C], see `iterate_frames`.

    Raises:
        DataError: as `iterate_frames`; or the frames take more than `MAX_BYTES`.
    """
    frames, size = [], 0
    for frame in iterate_frames(path, max_frames):
        size += frame.nbytes
        if size > MAX_BYTES:
            raise DataError(
                f"{path}: more than {MAX_BYTES >> 20} MiB of frames; read fewer (max_frames), or "
                "one at a time (iterate_frames)."
            )
        frames.append(frame)
    return np.stack(frames)


def remarks(path: str | os.PathLike) -> list[str]:
    """What is to be said of a video that was read: phrases; empty as a rule.

    They tell what a player would show otherwise: pixels that are not square, and HDR (PQ, HLG).
    """
    return stored_otherwise(local_path(path))


def _frames(path: Path, threads: int) -> Iterator[np.ndarray]:
    try:
        if path.is_dir():
            return iterate_images(path)
        if not path.is_file():
            raise DataError(f"{path}: {'is no file' if path.exists() else 'does not exist'}.")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from None
    suffix = path.suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        return iterate_array(path)
    if suffix in IMAGE_SUFFIXES:
        return iterate_pages(path)
    return decode(path, threads=threads)
