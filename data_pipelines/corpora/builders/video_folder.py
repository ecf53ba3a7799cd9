"""Anybody's videos: files and folders of numbered images, of any size, length and frame rate."""

import collections
import dataclasses
import hashlib
import itertools
import os
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from data_pipelines.corpora.builders.video_builder import VideoBuilder, VideoConfig
from data_pipelines.corpora.sources import STATE_PREFIX, Layout, Video, some_of, wrong_layout
from data_pipelines.errors import DataError, require_one_of
from data_pipelines.readers.action_tables import MAX_COLUMNS, find_tables, read_columns, read_rows
from data_pipelines.readers.resizing import fit_frames
from data_pipelines.readers.video_files import VIDEO_SUFFIXES, iterate_frames, remarks
from data_pipelines.readers.video_search import VideoSearch

TEST_SHARE, VALIDATION_SHARE = 0.1, 0.05
# Words for a part; a folder called so, perhaps with one of the others and a number, is that part.
_PART_WORDS = {
    "train": "train|training",
    "validation": "val|valid|validation|dev|development|eval|evaluation",
    "test": "test|testing",
}
_OTHER_WORDS = r"[\W_]*(?:(?:sub)?sets?|datasets?|data|splits?|parts?|videos?|clips?)?[\W_\d]*"
# Of a prepared video: a record must stay below 2 GiB, and a process holds it a few times.
_MAX_BYTES = 1 << 28
# Of decoded or of fitted frames in memory at a time.
_CHUNK_BYTES = 1 << 26


@dataclasses.dataclass(eq=False)
class VideoFolderConfig(VideoConfig):
    """How the videos of a folder are prepared."""

    min_frames: int = 20
    channels: int = 3
    """1: grey, 3: RGB."""
    fit: str = "crop"
    """How frames become square, see `resizing.fit_frames`."""
    frame_stride: int = 1
    """Every so many-th frame is kept."""
    stride_actions: str = "sum"
    """How actions of a stride become one: sum, or stack: side by side, as x@0 y@0 x@1 y@1."""


@dataclasses.dataclass(frozen=True)
class FolderVideo:
    """A file or folder of images; its video is called by its path below the corpus.

    A video of more than 256 MiB becomes several, `<name>#<number>`, of min_frames or more.
    """

    path: Path
    name: str
    config: VideoFolderConfig
    table: Path | None = None
    """Of its actions, see `action_tables`."""
    columns: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[Path, ...]:
        return (self.table,) if self.table else ()

    def videos(self) -> Iterator[Video]:
        """Strided and made square."""
        rows = read_rows(self.table, self.columns) if self.table else None
        counter = itertools.count()
        frames = (x for x, _ in zip(iterate_frames(self.path, threads=1), counter, strict=False))
        start = 0
        for video in self._cut(frames):
            if rows is None:
                yield video
                continue
            if not start:
                if video.name == self.name:  # no piece: all frames have gone by
                    count = next(counter)
                else:
                    count = sum(1 for _ in iterate_frames(self.path, threads=1))
                rows = self._strided(rows, count)
            end = start + len(video.frames)
            yield video._replace(actions=rows[start : end - 1])
            start = end

    def _strided(self, rows: np.ndarray, num_frames: int) -> np.ndarray:
        """A row for each interval between frames that are kept, of those of all frames."""
        stride = self.config.frame_stride
        count = (num_frames - 1) // stride
        if not count * stride <= len(rows) < num_frames:
            raise DataError(
                f"{self.table}: has {len(rows)} rows, {num_frames - 1} are needed: one from each "
                f"of the {num_frames} frames of {self.path.name} to the next."
            )
        rows = rows[: count * stride].reshape(count, stride, len(self.columns))
        # A state is that of the first frame: nobody adds up places.
        rows[:, 1:, [name.startswith(STATE_PREFIX) for name in self.columns]] = 0
        if self.config.stride_actions == "stack":
            return rows.reshape(count, stride * len(self.columns))
        return rows.sum(axis=1, dtype=np.float64).astype(np.float32)

    def _cut(self, frames: Iterable[np.ndarray]) -> Iterator[Video]:
        most = _MAX_BYTES // self._frame_bytes
        pieces, following, number = [], [], 0
        for piece in self._pieces(frames):
            if not following and sum(map(len, pieces)) + len(piece) <= most:
                pieces.append(piece)
                continue
            following.append(piece)
            if sum(map(len, following)) >= self.config.min_frames:
                yield Video(f"{self.name}#{number}", np.concatenate(pieces))
                pieces, following, number = following, [], number + 1
        # An end that is too short to be a video goes with what comes before it.
        name = f"{self.name}#{number}" if number else self.name
        yield Video(name, np.concatenate(pieces + following))

    def remarks(self) -> list[str]:
        return remarks(self.path)

    @property
    def _frame_bytes(self) -> int:
        return self.config.frame_size**2 * self.config.channels

    def _pieces(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Fitted frames, some at a time: hours of large frames would fill the memory."""
        config = self.config
        frames = itertools.islice(frames, 0, None, config.frame_stride)
        for first in frames:
            largest = max(first.nbytes, self._frame_bytes)
            rest = itertools.islice(frames, max(1, _CHUNK_BYTES // largest) - 1)
            piece = np.stack([first, *rest])
            yield fit_frames(piece, config.frame_size, config.channels, config.fit)


class VideoFolder(VideoBuilder):
    """Parts by folders train, validation and test, by any of their usual names; else by a hash.

    Without a test folder one video in 10 tests, without a validation folder one in 20 validates:
    those whose names' hashes are smallest, at least one each. A name's hash does not change when
    videos are added. What a folder of another name beside them is for is asked, by an error: test
    videos must never train.

    Where a table of actions lies beside any video, each needs one, with the columns that most have.
    """

    BUILDER_CONFIGS = [VideoFolderConfig(name="64_rgb_crop")]
    description = "A folder of videos, made square."

    @classmethod
    def make_config(cls, frame_size: int, **options) -> VideoFolderConfig:
        """See `VideoBuilder.make_config`; two configurations that differ have two names."""
        config = VideoFolderConfig(name="", frame_size=frame_size, **options)
        require_one_of("stride_actions", config.stride_actions, ("sum", "stack"))
        config.name = f"{frame_size}_{'grey' if config.channels == 1 else 'rgb'}_{config.fit}"
        marks = {"frame_stride": "every", "stride_actions": "", "min_frames": "min"}
        for option, mark in marks.items():
            if (value := getattr(config, option)) != getattr(VideoFolderConfig, option):
                config.name += f"_{mark}{value}"
        return config

    @property
    def channels(self) -> int:
        """1: grey, 3: RGB."""
        return self.builder_config.channels

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        named = _part_folders(folder)
        search = VideoSearch()
        # What training shares with a part given by the user is left out of training.
        found = {part: search.find(named[part]) for part in reversed(_PART_WORDS) if part in named}
        if empty := [part for part in found if not found[part]]:
            raise DataError(
                f"{named[empty[0]]}: holds no video that is not elsewhere; add some or remove it."
            )
        if named:
            names = ", ".join(path.name for path in named.values())
            outside = search.find(folder, named.values())
            _require_no_other_folder(folder, names, outside)
            search.skipped += [f"{path}: lies outside of {names}." for path in outside]
        else:
            found["train"] = search.find(folder)
            _require_no_parts_below(folder, found["train"])
        parts = {
            part: [
                FolderVideo(path, path.relative_to(folder).as_posix(), self.builder_config)
                for path in paths
            ]
            for part, paths in reversed(found.items())
        }
        parts, columns = _with_actions(folder, parts, search.skipped)
        parts["train"] = [video for video in parts["train"] if str(video.path) not in excluded]
        if not parts["train"]:
            raise wrong_layout(
                folder,
                f"videos ({', '.join(VIDEO_SUFFIXES)}) or folders of numbered images, in any "
                "folders, or below train, validation and test",
            )
        shares = {"validation": VALIDATION_SHARE, "test": TEST_SHARE}
        drawn = {part: share for part, share in shares.items() if part not in named}
        if len(parts["train"]) <= len(drawn):
            raise DataError(
                f"{folder}: {len(parts['train'])} videos are too few for training and "
                f"{' and '.join(drawn)}: {len(drawn) + 1} are needed; cut them into more files."
            )
        low = 0.0
        for number, (part, share) in enumerate(drawn.items(), start=1):
            others = len(drawn) - number + 1
            parts[part], parts["train"] = _draw(parts["train"], low, low + share, others)
            low += share
        return Layout(parts, search.skipped, self._action_names(columns))

    def _action_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the stored actions, by the columns of the tables."""
        config = self.builder_config
        if config.stride_actions != "stack" or config.frame_stride == 1:
            return columns
        if (count := len(columns) * config.frame_stride) > MAX_COLUMNS:
            raise DataError(
                f"{len(columns)} actions of {config.frame_stride} frames are {count} columns, more "
                f"than {MAX_COLUMNS}; give --stride_actions=sum."
            )
        return tuple(f"{name}@{i}" for i in range(config.frame_stride) for name in columns)


def _with_actions(
    folder: Path, parts: dict[str, list[FolderVideo]], skipped: list[str]
) -> tuple[dict[str, list[FolderVideo]], tuple[str, ...]]:
    """The videos with tables of the usual columns, and these; all and () if there is no table.

    What is left out is told in `skipped`.
    """
    tables = {video: find_tables(video.path) for videos in parts.values() for video in videos}
    if not any(tables.values()):
        return parts, ()
    columns: dict[FolderVideo, tuple[str, ...]] = {}
    faults: dict[FolderVideo, str] = {}
    for video, found in tables.items():
        try:
            if len(found) != 1:
                raise DataError(
                    f"{video.path}: has {len(found)} tables of actions beside it; each video needs "
                    "one, as others have it."
                )
            columns[video] = read_columns(found[0])
        except DataError as error:
            faults[video] = str(error)
    sets = collections.Counter(map(frozenset, columns.values()))
    orders = collections.Counter(columns.values())
    order = max(orders, key=lambda names: (sets[frozenset(names)], orders[names]), default=())
    for video, names in columns.items():
        if set(names) != set(order):
            faults[video] = (
                f"{tables[video][0]}: has columns {some_of(names)}; most have {some_of(order)}."
            )
    skipped += faults.values()
    chosen = {
        part: [
            dataclasses.replace(video, table=tables[video][0], columns=order)
            for video in videos
            if video not in faults
        ]
        for part, videos in parts.items()
    }
    for part, videos in parts.items():
        if videos and not chosen[part]:
            raise DataError(
                f"{folder}: no {part} video has actions that can be used: {faults[videos[0]]}"
            )
    return chosen, order


def _part(name: str) -> str | None:
    """The part that a folder of this name holds, if it is a usual name of one."""
    for part, words in _PART_WORDS.items():
        if re.fullmatch(f"(?:{words}){_OTHER_WORDS}", name.lower()):
            return part
    return None


def _mentioned_part(name: str) -> str | None:
    """The part that a name has a word of, such as ucf_train."""
    words = re.split(r"[\W_\d]+", name.lower())
    return _part(name) or next((part for part in map(_part, words) if part), None)


def _part_folders(folder: Path) -> dict[str, Path]:
    """The folders that say what belongs to a part, by part."""
    named: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        part = _part(path.name)
        if part is None or not path.is_dir():
            continue
        if part in named:
            raise DataError(
                f"{folder}: {named[part].name} and {path.name} are both called like the {part} "
                "part; make them one folder, or give one another name."
            )
        named[part] = path
    if named and "train" not in named:
        names = " and ".join(path.name for path in named.values())
        raise DataError(
            f"{folder}: has {names}, called like the {' and '.join(named)} part, but no train; add "
            "it, or give other names."
        )
    return {part: named[part] for part in _PART_WORDS if part in named}


def _require_no_other_folder(folder: Path, names: str, outside: Collection[Path]) -> None:
    """Raise `DataError` if videos lie in a folder beside those of the parts."""
    for path in outside:
        if path != folder and (path.parent != folder or path.is_dir()):
            other = path.relative_to(folder).parts[0]
            raise DataError(
                f"{folder}: {other} holds videos beside {names}: which part are they of? Call it "
                f"train, validation or test, move it into one of them, or hide it (.{other})."
            )


def _require_no_parts_below(folder: Path, videos: Collection[Path]) -> None:
    """Raise `DataError` if folders of videos, at any depth, speak of training and another part."""
    below = {above for path in videos for above in (path, *path.parents) if folder in above.parents}
    # A video's own name tells nothing; a folder of images is a video, and may lie in no other.
    below = sorted(below.difference(videos))
    found = {part: path for path in below if (part := _mentioned_part(path.name))}
    if "train" in found and len(found) > 1:
        first, second = found.pop("train"), next(iter(found.values()))
        raise DataError(
            f"{folder}: {first} and {second} are called like parts: give the folder in which "
            "train, validation and test lie side by side (--source_dir), or give other names."
        )


def _draw(
    sources: list[FolderVideo], low: float, high: float, others: int
) -> tuple[list[FolderVideo], list[FolderVideo]]:
    """(Those with a hash in [low, high), else the one with the smallest; `others` or more rest)."""
    in_order = sorted(sources, key=lambda source: _hash(source.name))
    chosen = [source for source in in_order if low <= _hash(source.name) < high] or in_order[:1]
    chosen = set(chosen[: len(sources) - others])
    return [s for s in sources if s in chosen], [s for s in sources if s not in chosen]


def _hash(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big") / 2.0**64
