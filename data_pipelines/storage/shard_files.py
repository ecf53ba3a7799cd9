"""Writes prepared videos into shards, each whole or not there; finished ones are not made twice.

A shard is a TFRecord file of `tf.train.Example`s with the raw frames of a video, its name and, if
there are any, its actions, just as TFDS encodes them; beside it lies a report, written last, that
says what became of its sources.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_pipelines.corpora.sources import Source, Video, fingerprint, readable
from data_pipelines.errors import DataError

MAX_SHARDS = 256
"""Of one part of a corpus."""

# What a TFRecord file adds to a record: its length and two checksums.
_FRAMING_BYTES = 16


class Shard(NamedTuple):
    """Some sources of one part of a corpus, in order, that go into one file."""

    part: str
    sources: tuple[Source, ...]
    min_frames: int
    """Shorter videos are skipped."""
    num_actions: int = 0
    """Columns of the actions of each video; 0: none has actions."""


class Report(NamedTuple):
    """What became of a shard."""

    lengths: list[int]
    """Frames of each video written."""
    num_bytes: int
    skipped: list[str]
    """A line for every source, or rest of one, that could not be used."""
    failed: list[str]
    """The paths of sources that gave no video."""
    remarks: list[str]
    """`<path>: <phrase>`, for what is to be said of a source that gave videos."""


def plan(part: str, sources: list[Source], min_frames: int, num_actions: int = 0) -> list[Shard]:
    """Distribute sources over at most `MAX_SHARDS` shards, in order."""
    size = -(-len(sources) // MAX_SHARDS)
    return [
        Shard(part, tuple(sources[first : first + size]), min_frames, num_actions)
        for first in range(0, len(sources), max(1, size))
    ]


def shard_path(folder: Path, shard: Shard) -> Path:
    """Where a shard is kept: the name says what is in it, so what is found there is still right."""
    name = f"{shard.part}-{shard.min_frames}-{fingerprint(shard.sources)}"
    return folder / f"{name}.tfrecord"


def write_shard(shard: Shard, path: Path) -> Report:
    """Write a shard; raises `OSError` if that fails."""
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.tmp")
    try:
        report = _write(shard, temporary)
        os.replace(temporary, path)
        temporary.write_text(json.dumps(report._asdict()), encoding="utf-8")
        os.replace(temporary, path.with_suffix(".json"))
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _write(shard: Shard, path: Path) -> Report:
    import tensorflow as tf

    report = Report([], 0, [], [], [])
    num_bytes = 0
    with _disk_errors(path.parent), tf.io.TFRecordWriter(str(path)) as writer:
        for source in shard.sources:
            written = len(report.lengths)
            try:
                for video in source.videos():
                    if (count := len(video.frames)) < shard.min_frames:
                        raise DataError(
                            f"{source.path}: {video.name!r} has {count} frame{'s' * (count != 1)}; "
                            f"{shard.min_frames} are needed (--min_frames)."
                        )
                    _require_actions(source.path, video, shard.num_actions)
                    record = serialize(*video)
                    with _disk_errors(path.parent):
                        writer.write(record)
                    num_bytes += len(record)
                    report.lengths.append(count)
            except DataError as error:
                report.skipped.append(str(error))
            except tf.errors.OpError as error:
                report.skipped.append(
                    f"{source.path}: TensorFlow cannot resize its frames ({error.message}); give "
                    "fewer --workers, or make the frames smaller."
                )
            if len(report.lengths) == written:
                report.failed.append(str(source.path))
            elif remarks := getattr(source, "remarks", None):
                report.remarks.extend(f"{source.path}: {phrase}" for phrase in remarks())
    return report._replace(num_bytes=num_bytes)


def _require_actions(path: Path, video: Video, num_actions: int) -> None:
    """Raise `DataError` unless a video has a finite row for each interval, or none is expected."""
    shape = None if video.actions is None else list(video.actions.shape)
    expected = [len(video.frames) - 1, num_actions] if num_actions else None
    if shape != expected:
        raise DataError(f"{path}: {video.name!r} has actions {shape}, expected {expected}.")
    if num_actions and not np.isfinite(video.actions).all():
        raise DataError(
            f"{path}: {video.name!r} has actions that are no finite numbers; it and what follows "
            "are left out."
        )


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turns TensorFlow's errors of writing into the system's."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        code = errno.ENOSPC if full else errno.EIO
        raise OSError(code, os.strerror(code), str(folder)) from None


def serialize(name: str, frames: np.ndarray, actions: np.ndarray | None = None) -> bytes:
    """A record: frames uint8 [T, H, W, C], the name of their video, actions [T - 1, A] or None."""
    import tensorflow as tf

    example = tf.train.Example()
    feature = example.features.feature
    feature["name"].bytes_list.value.append(readable(name).encode())
    feature["video"].bytes_list.value.append(frames.tobytes())
    if actions is not None:
        feature["actions"].bytes_list.value.append(actions.astype("<f4").tobytes())
    return example.SerializeToString()


def settle(path: Path) -> None:
    """Wait until a file is on the disk; by the end of a preparation most of them are."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def finished(path: Path) -> Report | None:
    """The report of a shard that is there and, even after a power failure, has its size."""
    try:
        report = Report(**json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        lengths, num_bytes, *lines = report
        is_sane = all(type(n) is int and n > 0 for n in (*lengths, num_bytes + 1)) and all(
            type(part) is list and all(type(line) is str for line in part) for part in lines
        )
        whole = num_bytes + _FRAMING_BYTES * len(lengths)
        return report if is_sane and path.stat().st_size == whole else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None
