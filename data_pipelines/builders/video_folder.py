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
from data_pipelines.image_folders import IMAGE_SUFFIXES
from data_pipelines.resizing import fit_frames
from data_pipelines.sources import Layout, wrong_layout
from data_pipelines.video_files import VIDEO_SUFFIXES, iterate_frames

TEST_SHARE, VALIDATION_SHARE = 0.1, 0.05
_PART_FOLDERS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
# Of a prepared video: a record must stay below 2 GiB, and a process holds it a few times.
_MAX_BYTES = 1 << 28
# Of decoded frames in memory at a time.
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

    A video of more than 256 MiB becomes several, `<name>#<number>`.
    """

    path: Path
    name: str
    frame_size: int
    channels: int
    fit: str
    frame_stride: int

    def videos(self) -> Iterator[tuple[str, np.ndarray]]:
        """Strided and made square."""
        most = _MAX_BYTES // (self.frame_size**2 * self.channels)
        pieces, count, number = [], 0, 0
        for piece in self._pieces():
            if pieces and count + len(piece) > most:
                yield f"{self.name}#{number}", np.concatenate(pieces)
                pieces, count, number = [], 0, number + 1
            pieces.append(piece)
            count += len(piece)
        yield f"{self.name}#{number}" if number else self.name, np.concatenate(pieces)

    def _pieces(self) -> Iterator[np.ndarray]:
        """Fitted frames, some at a time: hours of large frames would fill the memory."""
        frames = itertools.islice(iterate_frames(self.path, threads=1), 0, None, self.frame_stride)
        for first in frames:
            rest = itertools.islice(frames, max(1, _CHUNK_BYTES // first.nbytes) - 1)
            piece = np.stack([first, *rest])
            yield fit_frames(piece, self.frame_size, self.channels, self.fit)


class VideoFolder(VideoBuilder):
    """Parts by folders train, validation (or val) and test; else by a hash of the names.

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
        named = {
            part: next((folder / name for name in names if (folder / name).is_dir()), None)
            for part, names in _PART_FOLDERS.items()
        }
        if not named["train"] and (named["validation"] or named["test"]):
            raise DataError(f"{folder}: has a test or validation folder but no train; add it.")
        root = named["train"] or folder
        parts = {"train": self._sources(root, folder, excluded)}
        if not parts["train"]:
            raise wrong_layout(
                folder,
                f"videos ({', '.join(VIDEO_SUFFIXES)}) or folders of numbered images, in any "
                "folders, or below train, validation and test",
            )
        shares = {"validation": VALIDATION_SHARE, "test": TEST_SHARE}
        given = {part: named[part] for part in shares if named[part]}
        for part, path in given.items():
            parts[part] = self._sources(path, folder, frozenset())
        drawn = {part: share for part, share in shares.items() if part not in given}
        if len(parts["train"]) <= len(drawn):
            raise DataError(
                f"{folder}: {len(parts['train'])} videos are too few for training and "
                f"{' and '.join(drawn)}; cut them into more files."
            )
        low = 0.0
        for number, (part, share) in enumerate(drawn.items(), start=1):
            others = len(drawn) - number + 1
            parts[part], parts["train"] = _draw(parts["train"], low, low + share, others)
            low += share
        return Layout(parts, [])

    def _sources(self, root: Path, folder: Path, excluded: frozenset[str]) -> list[FolderVideo]:
        config = self.builder_config
        return [
            FolderVideo(
                path,
                path.relative_to(folder).as_posix(),
                config.frame_size,
                config.channels,
                config.fit,
                config.frame_stride,
            )
            for path in _find(root)
            if str(path) not in excluded
        ]


def _find(root: Path) -> list[Path]:
    """Videos and folders of images at any depth, by name; hidden ones are passed over."""
    found = []
    for here, folders, files in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = [name for name in files if not name.startswith(".")]
        found += [Path(here, name) for name in files if name.lower().endswith(VIDEO_SUFFIXES)]
        if any(name.lower().endswith(IMAGE_SUFFIXES) for name in files):
            found.append(Path(here))
    return sorted(found)


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
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2.0**64
