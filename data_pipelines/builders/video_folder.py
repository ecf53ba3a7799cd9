"""Anybody's videos: files and folders of numbered images, of any size, length and frame rate."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_pipelines.builders.video_builder import VideoBuilder, VideoConfig
from data_pipelines.errors import DataError
from data_pipelines.resizing import fit_frames
from data_pipelines.sources import Layout, wrong_layout
from data_pipelines.video_files import VIDEO_SUFFIXES, iterate_frames, remarks
from data_pipelines.video_search import VideoSearch

TEST_SHARE, VALIDATION_SHARE = 0.1, 0.05
_PART_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
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


def folder_config_name(config: VideoFolderConfig) -> str:
    """The name of a configuration, and of its folder; two that differ have two names."""
    parts = [config.frame_size, "grey" if config.channels == 1 else "rgb", config.fit]
    defaults = VideoFolderConfig(name="")
    if config.frame_stride != defaults.frame_stride:
        parts.append(f"every{config.frame_stride}")
    if config.min_frames != defaults.min_frames:
        parts.append(f"min{config.min_frames}")
    return "_".join(map(str, parts))


@dataclasses.dataclass(frozen=True)
class FolderVideo:
    """A file or folder of images; its video is called by its path below the corpus.

    A video of more than 256 MiB becomes several, `<name>#<number>`, of min_frames or more.
    """

    path: Path
    name: str
    frame_size: int
    channels: int
    fit: str
    frame_stride: int
    min_frames: int

    def videos(self) -> Iterator[tuple[str, np.ndarray]]:
        """Strided and made square."""
        most = _MAX_BYTES // self._frame_bytes
        pieces, following, number = [], [], 0
        for piece in self._pieces():
            if not following and sum(map(len, pieces)) + len(piece) <= most:
                pieces.append(piece)
                continue
            following.append(piece)
            if sum(map(len, following)) >= self.min_frames:
                yield f"{self.name}#{number}", np.concatenate(pieces)
                pieces, following, number = following, [], number + 1
        # An end that is too short to be a video goes with what comes before it.
        name = f"{self.name}#{number}" if number else self.name
        yield name, np.concatenate(pieces + following)

    def remarks(self) -> list[str]:
        """See `video_files.remarks`."""
        return remarks(self.path)

    @property
    def _frame_bytes(self) -> int:
        return self.frame_size**2 * self.channels

    def _pieces(self) -> Iterator[np.ndarray]:
        """Fitted frames, some at a time: hours of large frames would fill the memory."""
        frames = itertools.islice(iterate_frames(self.path, threads=1), 0, None, self.frame_stride)
        for first in frames:
            largest = max(first.nbytes, self._frame_bytes)
            rest = itertools.islice(frames, max(1, _CHUNK_BYTES // largest) - 1)
            piece = np.stack([first, *rest])
            yield fit_frames(piece, self.frame_size, self.channels, self.fit)


class VideoFolder(VideoBuilder):
    """Parts by folders train, validation (or val) and test, in any case; else by a hash of names.

    Without a test folder one video in 10 tests, without a validation folder one in 20 validates:
    those whose names' hashes are smallest, at least one each. A name's hash does not change when
    videos are added.
    """

    BUILDER_CONFIGS = [VideoFolderConfig(name="64_rgb_crop")]
    description = "A folder of videos, made square."

    @property
    def channels(self) -> int:
        """1: grey, 3: RGB."""
        return self.builder_config.channels

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        """See `VideoBuilder.layout`."""
        named = _part_folders(folder)
        if named and "train" not in named:
            raise DataError(f"{folder}: has a test or validation folder but no train; add it.")
        search = VideoSearch()
        # What training shares with a part given by the user is left out of training.
        found = {
            part: search.find(named[part]) for part in reversed(_PART_FOLDERS) if part in named
        }
        if empty := [part for part in found if not found[part]]:
            raise DataError(
                f"{named[empty[0]]}: holds no video that is not elsewhere; add some or remove it."
            )
        if not named:
            found["train"] = search.find(folder)
        else:
            names = ", ".join(path.name for path in named.values())
            outside = search.find(folder, named.values())
            search.skipped += [f"{path}: lies outside of {names}." for path in outside]
        parts = {
            part: self._sources(paths, folder, excluded if part == "train" else frozenset())
            for part, paths in reversed(found.items())
        }
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
        return Layout(parts, search.skipped)

    def _sources(
        self, paths: list[Path], folder: Path, excluded: frozenset[str]
    ) -> list[FolderVideo]:
        config = self.builder_config
        return [
            FolderVideo(
                path,
                path.relative_to(folder).as_posix(),
                config.frame_size,
                config.channels,
                config.fit,
                config.frame_stride,
                config.min_frames,
            )
            for path in paths
            if str(path) not in excluded
        ]


def _part_folders(folder: Path) -> dict[str, Path]:
    """The folders that say what belongs to a part, by part."""
    # Of train and Train, the last in this order: train.
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return {
        part: there[next(name for name in names if name in there)]
        for part, names in _PART_FOLDERS.items()
        if there.keys() & names
    }


def _draw(
    sources: list[FolderVideo], low: float, high: float, others: int
) -> tuple[list[FolderVideo], list[FolderVideo]]:
    """(Those with a hash in [low, high), else the one with the smallest; `others` or more rest)."""
    in_order = sorted(sources, key=lambda source: _hash(source.name))
    chosen = [source for source in in_order if low <= _hash(source.name) < high] or in_order[:1]
    chosen = set(chosen[: len(sources) - others])
    return (
        [source for source in sources if source in chosen],
        [source for source in sources if source not in chosen],
    )


def _hash(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big") / 2.0**64
