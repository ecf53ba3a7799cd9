"""KTH human actions: `raw/<action>/person<PP>_<action>_d<D>_uncomp.avi`, 160 x 120 grey."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from data_pipelines.corpora.builders.video_builder import VideoBuilder
from data_pipelines.corpora.kth import ACTIONS
from data_pipelines.corpora.sources import Layout, Video, wrong_layout
from data_pipelines.errors import DataError
from data_pipelines.readers.video_decoding import decode

NUM_PERSONS, NUM_TRAINING_PERSONS = 25, 20
WIDTH, HEIGHT = 160, 120


@dataclasses.dataclass(frozen=True)
class KthVideo:
    """One file; its video is called `<action>/person<PP>_<action>_d<D>`."""

    path: Path
    frame_size: int

    def videos(self) -> Iterator[Video]:
        """Scaled to RGB by the filter that FFmpeg's command uses; the first channel."""
        scale = _Scale(self.path, self.frame_size)
        frames = [frame[..., :1] for frame in decode(self.path, scale, threads=1)]
        name = self.path.stem.removesuffix("_uncomp")
        yield Video(f"{self.path.parent.name}/{name}", np.stack(frames))


class _Scale:
    """`ffmpeg -s SIZExSIZE`: bicubic by default; where it has chroma lie, PyAV's scaler has not."""

    def __init__(self, path: Path, size: int):
        self._path, self._size, self._graph = path, size, None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """RGB, uint8 [size, size, 3]."""
        if (frame.width, frame.height) != (WIDTH, HEIGHT):
            raise DataError(
                f"{self._path}: is {frame.width} x {frame.height} pixels, KTH's videos are "
                f"{WIDTH} x {HEIGHT}; for others there is --dataset=video_folder."
            )
        if self._graph is None:
            self._graph = av.filter.Graph()
            self._graph.link_nodes(
                self._graph.add_buffer(
                    width=WIDTH, height=HEIGHT, format=frame.format, time_base=frame.time_base
                ),
                self._graph.add("scale", f"{self._size}:{self._size}"),
                self._graph.add("format", "rgb24"),
                self._graph.add("buffersink"),
            ).configure()
        self._graph.push(frame)
        return self._graph.pull().to_ndarray()


class Kth(VideoBuilder):
    """Persons 1 to 20 train, 21 to 25 test; actions, then names, in alphabetical order."""

    channels = 1
    description = "KTH human actions, scaled to squares, grey."

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        """See `VideoBuilder.layout`; `folder` is the one with `raw`, or that itself."""
        raw = folder / "raw" if (folder / "raw").is_dir() else folder
        layout = Layout({"train": [], "test": []}, _other_folders(raw))
        for action in ACTIONS:
            paths = _videos(raw / action)
            if not paths:
                layout.skipped.append(f"{raw / action}: is missing or holds no .avi.")
            for path in paths:
                match = re.fullmatch(rf"person(\d\d)_{action}_d[1-4]_uncomp", path.stem)
                if not match or not 1 <= int(match[1]) <= NUM_PERSONS:
                    layout.skipped.append(
                        f"{path}: is not called person<01-25>_{action}_d<1-4>_uncomp.avi."
                    )
                    continue
                part = "train" if int(match[1]) <= NUM_TRAINING_PERSONS else "test"
                layout.parts[part].append(KthVideo(path, self.builder_config.frame_size))
        if not all(layout.parts.values()):
            raise wrong_layout(
                folder,
                "raw/<action>/person<PP>_<action>_d<D>_uncomp.avi of persons 1 to 20 and of 21 to "
                f"25, actions {', '.join(ACTIONS)}",
            )
        return layout


def _videos(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix.lower() == ".avi" and p.name[0] != ".")


def _other_folders(raw: Path) -> list[str]:
    """A line for each folder of videos that is called like no action."""
    return [
        f"{folder}: is called like no action ({', '.join(ACTIONS)})."
        for folder in sorted(raw.iterdir())
        if folder.name not in ACTIONS and _videos(folder)
    ]
