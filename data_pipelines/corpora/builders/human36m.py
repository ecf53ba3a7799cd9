"""Human3.6M: `S<n>/Videos/*.mp4`, 50 frames a second; access is granted by its owners."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image

from data_pipelines.corpora.builders.video_builder import VideoBuilder
from data_pipelines.corpora.sources import Layout, Video, wrong_layout
from data_pipelines.errors import DataError
from data_pipelines.readers.video_decoding import decode
from data_pipelines.readers.video_frames import FrameReader

SUBJECTS = {"train": (1, 5, 6, 7, 8), "test": (9, 11)}
BOX = (100, 100, 900, 900)
"""Left, top, right, bottom: what is kept of a frame."""


@dataclasses.dataclass(frozen=True)
class Human36mVideo:
    """One file; its video is called `S<n>-<stem>`. All frames are kept."""

    path: Path
    frame_size: int

    def videos(self) -> Iterator[Video]:
        """Cropped, THEN resized with Lanczos, by Pillow."""
        reader = FrameReader(self.path)
        frames = list(decode(self.path, lambda frame: self._cropped(reader, frame), threads=1))
        yield Video(f"{self.path.parent.parent.name}-{self.path.stem}", np.stack(frames))

    def _cropped(self, reader: FrameReader, frame: av.VideoFrame) -> np.ndarray:
        if frame.width < BOX[2] or frame.height < BOX[3]:
            raise DataError(
                f"{self.path}: is {frame.width} x {frame.height} pixels, too small for the box "
                f"{BOX} of Human3.6M; for other videos there is --dataset=video_folder."
            )
        image = Image.fromarray(reader.rgb(frame)).crop(BOX)
        size = (self.frame_size, self.frame_size)
        return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


class Human36m(VideoBuilder):
    """Subjects 1, 5, 6, 7, 8 train, 9 and 11 test; within each, names in alphabetical order."""

    channels = 3
    description = "Human3.6M, cropped and resized, all frames."

    def layout(self, folder: Path, excluded: frozenset[str] = frozenset()) -> Layout:
        """See `VideoBuilder.layout`; names that start with an underscore are passed over."""
        size = self.builder_config.frame_size
        parts = {
            part: [
                Human36mVideo(path, size)
                for subject in subjects
                for path in sorted((folder / f"S{subject}" / "Videos").glob("*.mp4"))
                if not path.name.startswith(("_", "."))
            ]
            for part, subjects in SUBJECTS.items()
        }
        if not all(parts.values()):
            raise wrong_layout(
                folder, "S<n>/Videos/*.mp4 of subjects 1, 5, 6, 7 or 8 and of subjects 9 or 11"
            )
        return Layout(parts, [])
