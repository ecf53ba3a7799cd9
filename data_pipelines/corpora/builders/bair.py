"""BAIR robot pushing: `softmotion30_44k/{train,test}/*.tfrecords`, or TFDS' preparation of them."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from data_pipelines.corpora.builders.video_builder import VideoBuilder
from data_pipelines.corpora.sources import Layout, Video, wrong_layout
from data_pipelines.errors import DataError
from data_pipelines.readers.resizing import fit_frames
from data_pipelines.storage.record_files import count_records, first_record
from data_pipelines.storage.stored_videos import open_folder

SIZE, CHANNELS = 64, 3
_COLUMNS = {"action": ("action", 4), "endeffector_pos": ("state", 3)}  # feature -> name, size
ACTION_NAMES = tuple(f"{name}_{i}" for name, size in _COLUMNS.values() for i in range(size))
_FRAME_BYTES = SIZE * SIZE * CHANNELS
_FOLDER = "softmotion30_44k"
_TFDS_NAME = "bair_robot_pushing_small"


@dataclasses.dataclass(frozen=True)
class BairRecords:
    """A TFRecord file of the corpus; its videos are called `<stem>/<number in the file>`."""

    path: Path
    frame_size: int
    with_actions: bool = False

    def videos(self) -> Iterator[Video]:
        """The bytes as they are; resized only for a frame_size other than 64."""
        import tensorflow as tf

        number = 0
        count, is_whole = count_records(self.path)
        try:
            records = tf.data.TFRecordDataset(os.fspath(self.path)).take(count)
            for number, record in enumerate(records.as_numpy_iterator(), start=1):
                name = f"{self.path.stem}/{number - 1:03d}"
                yield Video(name, *self._frames_and_actions(record, number - 1))
        except tf.errors.OpError:
            is_whole = False
        if not is_whole:
            raise DataError(
                f"{self.path}: is damaged or cut short after {number} videos, the rest is left "
                "out; fetch it again."
            )
        if not number:
            raise DataError(f"{self.path}: holds no video.")

    def _frames_and_actions(
        self, record: bytes, number: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if (feature := _features(record)) is None:
            raise DataError(f"{self.path}: record {number} is no tf.train.Example.")
        frames = []
        while (key := f"{len(frames)}/image_aux1/encoded") in feature:
            frames.append(b"".join(feature[key].bytes_list.value))
        if not frames or any(len(frame) != _FRAME_BYTES for frame in frames):
            raise DataError(
                f"{self.path}: record {number} lacks <i>/image_aux1/encoded of {_FRAME_BYTES} "
                "bytes each; it and what follows are left out."
            )
        actions = None
        if self.with_actions:
            rows = []
            for i in range(len(frames) - 1):  # the last frame's leads to a frame that is not there
                for name, (_, size) in _COLUMNS.items():
                    rows.extend(values := feature[f"{i}/{name}"].float_list.value)
                    if len(values) != size:
                        raise DataError(
                            f"{self.path}: record {number} lacks <i>/{name} of {size} floats each; "
                            "it and what follows are left out."
                        )
            actions = np.array(rows, np.float32).reshape(-1, len(ACTION_NAMES))
        raw = np.frombuffer(b"".join(frames), np.uint8).reshape(-1, SIZE, SIZE, CHANNELS)
        return fit_frames(raw, self.frame_size, CHANNELS), actions


def _features(record: bytes) -> Mapping[str, Any] | None:
    """The features of a `tf.train.Example`, None if it is none."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        return tf.train.Example.FromString(record).features.feature
    except (DecodeError, RecursionError):
        return None


def _has_actions(path: Path) -> bool:
    """Whether the first record of a file has any."""
    return "0/action" in (_features(first_record(path)) or {})


@dataclasses.dataclass(frozen=True)
class BairTfdsShard:
    """A shard of TFDS' `bair_robot_pushing_small`; videos are called `<part>-<shard>/<number>`."""

    path: Path
    part: str
    shard: int
    frame_size: int

    def videos(self) -> Iterator[Video]:
        """The frames of camera `image_aux1`, and the actions that lead from one to the next."""
        import tensorflow as tf

        split, number = f"{self.part}[{self.shard}shard]", 0
        # Other features, the second camera among them, are not decoded.
        wanted = tfds.decode.PartialDecoding({"image_aux1": True, **dict.fromkeys(_COLUMNS, True)})
        try:
            for steps in open_folder(self.path).as_dataset(split=split, decoders=wanted):
                name = f"{self.part}-{self.shard:05d}/{number:03d}"
                frames = fit_frames(steps["image_aux1"].numpy(), self.frame_size, CHANNELS)
                columns = [steps[feature].numpy()[:-1] for feature in _COLUMNS]
                yield Video(name, frames, np.concatenate(columns, axis=1))
                number += 1
        except (tf.errors.OpError, KeyError, ValueError):
            raise DataError(
                f"{self.path}: shard {split} is damaged after {number} videos; prepare it again."
            ) from None


class Bair(VideoBuilder):
    """Videos in the order of the file names, then of the records; with actions if there are any.

    There are, if the first record of any file has one; then every video needs its own.
    """

    channels = CHANNELS
    description = "BAIR robot pushing, camera image_aux1."

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        """See `VideoBuilder.layout`; `folder` holds the corpus, or is a data_dir of TFDS."""
        size = self.builder_config.frame_size
        prepared = sorted((folder / _TFDS_NAME).glob("*/dataset_info.json"))
        if prepared:
            path = prepared[-1].parent
            shards = open_folder(path).info.splits
            parts = {
                part: [
                    BairTfdsShard(path, part, shard, size)
                    for shard in range(shards[part].num_shards)
                ]
                for part in ("train", "test")
                if part in shards
            }
            return Layout(parts, [], ACTION_NAMES)
        root = folder / _FOLDER if (folder / _FOLDER).is_dir() else folder
        files = {part: sorted((root / part).glob("*.tfrecords")) for part in ("train", "test")}
        with_actions = any(_has_actions(path) for paths in files.values() for path in paths)
        parts = {
            part: [BairRecords(path, size, with_actions) for path in paths]
            for part, paths in files.items()
        }
        if not all(parts.values()):
            raise wrong_layout(
                folder,
                f"{_FOLDER}/train/*.tfrecords and {_FOLDER}/test/*.tfrecords, or TFDS' "
                f"{_TFDS_NAME}",
            )
        return Layout(parts, [], ACTION_NAMES if with_actions else ())
