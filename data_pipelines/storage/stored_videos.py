"""The videos of a prepared corpus, to be read clip by clip."""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_pipelines.corpora.sources import Video
from data_pipelines.errors import DataError, damage_named
from data_pipelines.storage.record_files import PREPARE_ANEW, map_videos

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

# A corpus up to this share of the machine's memory is read ahead when it is opened.
_MEMORY_SHARE = 0.5


class StoredVideos:
    """Videos of several lengths, uint8 [T, H, W, C] each, in a fixed order."""

    def __init__(
        self,
        videos: Sequence[Video],
        frame_shape: tuple[int, int, int],
        num_state: int = 0,
    ):
        self.frame_shape, self.num_state = frame_shape, num_state
        self._videos = videos
        self.names = [video.name for video in videos]
        self.lengths = np.array([len(video.frames) for video in videos], np.int64)
        """Frames of each video, int64 [N]."""
        with_actions = bool(videos) and videos[0].actions is not None
        self.num_actions = videos[0].actions.shape[1] if with_actions else 0
        """A, 0 if the videos were opened without actions; the last `num_state` are of states."""

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, indices: np.ndarray) -> "StoredVideos":
        """The videos of some indices, in their order."""
        return StoredVideos([self._videos[i] for i in indices], self.frame_shape, self.num_state)

    def clips(self, videos: np.ndarray, starts: np.ndarray, length: int, stride: int) -> np.ndarray:
        """Clips of frames `stride` apart, uint8 [N, length, H, W, C]; videos and starts are [N]."""
        result = np.empty((len(videos), length, *self.frame_shape), np.uint8)
        for clip, video, start in zip(result, videos, starts, strict=True):
            clip[:] = self._videos[video].frames[start : start + span(length, stride) : stride]
        return result

    def actions(self, videos: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
        """Of the intervals of such clips, stride 1: float32 [N, length - 1, A].

        The state is that of a clip's first frame, in all of its rows.
        """
        result = np.empty((len(videos), length - 1, self.num_actions), np.float32)
        for row, video, start in zip(result, videos, starts, strict=True):
            row[:] = self._videos[video].actions[start : start + length - 1]
        first = self.num_actions - self.num_state
        result[:, :, first:] = result[:, :1, first:]
        return result


def span(length: int, stride: int) -> int:
    """The frames of a video that a clip reaches over."""
    return (length - 1) * stride + 1


def open_folder(folder: Path) -> "tfds.core.DatasetBuilder":
    """The read-only builder of a folder that TFDS wrote; raises `DataError` if it is damaged."""
    import tensorflow_datasets as tfds

    with damage_named(f"{folder}: cannot be read", PREPARE_ANEW):
        builder = tfds.builder_from_directory(folder)
        _ = builder.info.metadata  # TFDS reads it only now
        return builder


class Preparation:
    """What `prepare` made of a corpus, in one folder; raises `DataError` if that is damaged."""

    def __init__(self, path: Path):
        self.path = path
        self._info = info = open_folder(path).info
        self.dataset: str = info.name
        with damage_named(f"{path}: cannot be read", PREPARE_ANEW):
            self.frame_shape: tuple[int, int, int] = info.features["video"].shape[1:]
            self.skipped = list(info.metadata["skipped"])
            """A line for each file that was left out."""
            self.remarks = list(info.metadata.get("remarks", []))
            """Lines on what was read as it is stored though players show it otherwise."""
            if len(self.frame_shape) != 3 or not all(size > 0 for size in self.frame_shape):
                raise ValueError(f"frames of shape {self.frame_shape}")
            actions = info.metadata.get("actions") or {"names": [], "mean": [], "scale": []}
            self.action_names: tuple[str, ...] = tuple(map(str, actions["names"]))
            statistics = np.array([actions["mean"], actions["scale"]], np.float64)
            self.action_mean, self.action_scale = statistics
            """Float64 [A], of the training part."""
            count = len(self.action_names)
            if count and info.features["actions"].shape != (None, count):
                raise ValueError(f"{count} columns of actions are named")
            is_finite = statistics.shape == (2, count) and np.isfinite(statistics).all()
            if not is_finite or (self.action_scale <= 0).any():
                raise ValueError("broken statistics of actions")

    def part(
        self, name: str, columns: list[int] | None = None, num_state: int = 0
    ) -> StoredVideos | None:
        """The videos of "train", "validation" or "test", None if there is no such part.

        Args:
            columns: of the actions that are wanted, if any; the last `num_state` are of states.
        """
        if name not in self._info.splits:
            return None
        split = self._info.splits[name]
        videos = []
        for path, expected in zip(split.filepaths, split.shard_lengths, strict=True):
            num_actions = len(self.action_names) if columns else 0
            found = map_videos(Path(path), self.frame_shape, num_actions)
            if columns:
                found = [v._replace(actions=v.actions[:, columns]) for v in found]
            if len(found) != expected:
                raise DataError(
                    f"{path}: holds {len(found)} videos, not {expected}; {PREPARE_ANEW}."
                )
            videos += found
        return StoredVideos(videos, self.frame_shape, num_state)

    def read_ahead(self) -> None:
        """Have the system read a corpus that fits into memory, in the background."""
        memory = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE
        if self._info.dataset_size < _MEMORY_SHARE * memory:
            for split in self._info.splits.values():
                for path in split.filepaths:
                    with open(path, "rb") as file:
                        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def find_preparation(
    dataset: str, data_dir: Path, frame_size: int, channels: int | None = None
) -> Preparation:
    """The preparation of that size in data_dir; raises `DataError` unless there is just one.

    Args:
        dataset: name of the builder.
        data_dir: the data_dir of `prepare`, or the folder of one preparation in it.
        frame_size: height and width of the frames.
        channels: C; None: any.
    """
    found = [Preparation(folder) for folder in _folders(dataset, data_dir)]
    if other := [each.dataset for each in found if each.dataset != dataset]:
        raise DataError(f"{data_dir}: holds {other[0]}, not {dataset}; give that as dataset.")
    fitting = [
        each
        for each in found
        if each.frame_shape[0] == frame_size and channels in (None, each.frame_shape[2])
    ]
    if len(fitting) != 1:
        wanted = f"frames of {frame_size} pixels" + f" and {channels} channels" * bool(channels)
        there = ", ".join(f"{each.path} {list(each.frame_shape)}" for each in found)
        fault = "several preparations have" if fitting else "no preparation has"
        way_out = "name one as data_dir" if fitting else "prepare it so"
        raise DataError(f"{data_dir}: {fault} {wanted}; {way_out} (there: {there}).")
    return fitting[0]


def _folders(dataset: str, data_dir: Path) -> list[Path]:
    if not data_dir.is_dir():
        raise DataError(f"data_dir {data_dir} is no folder; name the one given to `prepare`.")
    if (data_dir / "dataset_info.json").is_file():
        return [data_dir]
    found = sorted(path.parent for path in data_dir.glob(f"{dataset}/*/[0-9]*/dataset_info.json"))
    if not found:
        raise DataError(
            f"{data_dir}: holds no prepared {dataset}; make it with "
            f"`python -m data_pipelines.prepare --dataset={dataset} --source_dir=FILES "
            f"--data_dir={data_dir}`."
        )
    return found
