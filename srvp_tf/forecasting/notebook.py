"""Futures that show themselves where a notebook displays them."""

import base64
import dataclasses
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srvp_tf.errors import UserError
from srvp_tf.forecasting.generation import FPS, Futures, timeline
from srvp_tf.video import to_uint8, write_video

if TYPE_CHECKING:
    import tensorflow as tf

_PAGE_WIDTH = 800  # pixels that the cell of a notebook is sure to have


@dataclasses.dataclass(repr=False, eq=False)
class ShownFutures:
    """Futures of videos beside what was given: an animation in a notebook, a line elsewhere.

    Attributes:
        videos: uint8 [N, T, H, W, C], row by row.
        columns: videos in a row.
        conditioning: how many frames of each were given, or are true.
        captions: one text each.
        fps: frames per second.
    """

    videos: np.ndarray
    columns: int
    conditioning: list[int]
    captions: list[str]
    fps: float

    def save(self, path: str | os.PathLike) -> None:
        """Write what is shown as a .gif, .mp4, .webm or .png; raises as `write_video`."""
        width = self.videos.shape[3]
        write_video(
            path,
            self.videos,
            fps=self.fps,
            conditioning=self.conditioning,
            captions=self.captions,
            columns=self.columns,
            scale=max(1, min(2, _PAGE_WIDTH // (self.columns * width))),
        )

    def _repr_html_(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "futures.gif")
            self.save(path)
            encoded = base64.b64encode(path.read_bytes()).decode()
        return f'<img alt="{self}" src="data:image/gif;base64,{encoded}">'

    def __repr__(self):
        count, length, height, width, _ = self.videos.shape
        return (
            f"{count} videos of {length} frames, {height} x {width}, in rows of {self.columns}: "
            "a notebook plays them, .save('futures.gif') writes them"
        )


def show(
    futures: "tf.Tensor | np.ndarray",
    frames: "tf.Tensor | np.ndarray | None" = None,
    *,
    truth: "tf.Tensor | np.ndarray | None" = None,
    frames_per_step: int = 1,
) -> ShownFutures:
    """Show futures beside what they were predicted from: `srvp_tf.show`.

    What was given, and the truth, is framed in green, what was predicted in red.

    Args:
        futures: what `SRVP.forecast` returns: [S, K, H, W, C] or [B, S, K, H, W, C], uint8 or float
            in [0, 1].
        frames: the frames that were given [T, H, W, C] or [B, T, H, W, C]; None: not shown.
        truth: the frames that followed them, as many as there are; None: not shown. Needs `frames`.
        frames_per_step: as it was given to `forecast`.

    Returns:
        `ShownFutures`: one row per video, of the truth if there is one, and S futures.

    Raises:
        UserError: shapes do not fit each other, or values are out of range.
    """
    futures = _batch("futures", futures, 6)
    if frames is None:
        frames = np.empty((len(futures), 0, *futures.shape[3:]), np.uint8)
    frames = _batch("frames", frames, 5)
    truth = frames[:, :0] if truth is None else _batch("truth", truth, 5)
    for name, videos in (("frames", frames), ("truth", truth)):
        if len(videos) != len(futures) or videos.shape[2:] != futures.shape[3:]:
            raise UserError(
                f"{name} {list(videos.shape)} do not fit futures {list(futures.shape)}: give "
                "[B, T, H, W, C] and [B, S, K, H, W, C] of the same B, H, W and C"
            )
    horizon = futures.shape[2] // frames_per_step
    if truth.shape[1] > horizon:
        raise UserError(
            f"truth has {truth.shape[1]} frames, the futures {horizon}: "
            "give those that follow the given ones, videos[:, frames.shape[1]:]"
        )
    if not frames.shape[1]:
        truth = frames  # it would not be known when it begins
    rows = [
        timeline(Futures(*parts, frames_per_step))
        for parts in zip(frames, truth, futures, strict=True)
    ]
    videos = [video for row, _, _ in rows for video in row]
    return ShownFutures(
        np.stack(videos),
        columns=len(rows[0][0]),
        conditioning=[given for _, row, _ in rows for given in row],
        captions=[caption for _, _, row in rows for caption in row],
        fps=FPS * frames_per_step,
    )


def _batch(name: str, videos: "tf.Tensor | np.ndarray", rank: int) -> np.ndarray:
    """Videos as uint8 of a rank; the first axis is added where it is missing."""
    videos = to_uint8(videos)
    if videos.ndim == rank - 1:
        videos = videos[None]
    if videos.ndim != rank or videos.size == 0 and name == "futures":
        axes = "S, K" if rank == 6 else "T"
        raise UserError(
            f"{name} have shape {list(videos.shape)}: give [{axes}, H, W, C] or "
            f"[B, {axes}, H, W, C]"
        )
    return videos
