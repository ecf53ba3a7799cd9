"""Frechet video distance (Unterthiner et al., 2018): I3D's view of two sets of videos.

The distance itself is `frechet.frechet_distance` of the features of both sets.
"""

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.metrics.best_of import summarize
from srvp_tf.metrics.frechet import frechet_distance
from srvp_tf.metrics.i3d import FRAME_SIZE, I3D, MINIMUM_FRAMES, NUM_ACTIONS

# Activations of I3D per frame of a video, at its widest in bytes, and what a chunk may take.
_FRAME_BYTES = 8 << 20
_CHUNK_BYTES = 512 << 20


class VideoFeatures:
    """Features of videos: uint8 [N, T, H, W, C] -> float32 [N, 400], a few videos at a time.

    C is 1 or 3; grey is repeated to three channels. T is at least 9.

    Args:
      i3d: the network.
    """

    def __init__(self, i3d: I3D):
        self._i3d = i3d
        self._compute = tf.function(lambda videos: i3d(preprocess(videos)))

    def __call__(self, videos: np.ndarray) -> np.ndarray:
        check_length(videos.shape[1])
        at_once = max(_CHUNK_BYTES // (_FRAME_BYTES * videos.shape[1]), 1)
        chunks = [
            self._compute(tf.constant(videos[first : first + at_once])).numpy()
            for first in range(0, len(videos), at_once)
        ]
        return np.concatenate([np.zeros((0, NUM_ACTIONS), np.float32), *chunks])


def preprocess(videos: tf.Tensor) -> tf.Tensor:
    """I3D's input: videos [N, T, H, W, 1 or 3] in [0, 255] -> float32 [N, T, 224, 224, 3].

    Frames are resized as TensorFlow 1 did, from the corner of the first pixel, and scaled to
    [-1, 1].
    """
    shape = tf.shape(videos)
    frames = tf.cast(tf.reshape(videos, tf.concat([[-1], shape[2:]], 0)), tf.float32)
    frames = tf.raw_ops.ResizeBilinear(
        images=frames,
        size=[FRAME_SIZE, FRAME_SIZE],
        align_corners=False,
        half_pixel_centers=False,
    )
    frames = 2.0 * frames / 255.0 - 1.0
    frames = tf.reshape(frames, [shape[0], -1, FRAME_SIZE, FRAME_SIZE, videos.shape[-1]])
    return tf.repeat(frames, 3 // videos.shape[-1], axis=-1)


def check_length(num_frames: int) -> None:
    """Raise `UserError` if videos are too short for I3D: of fewer than 9 frames."""
    if num_frames < MINIMUM_FRAMES:
        raise UserError(
            f"FVD needs videos of at least {MINIMUM_FRAMES} frames, these have {num_frames}"
        )


class DrawnFVD:
    """FVD of D draws: each predicts every video once, and gives one distance.

    Both sets carry the true conditioning frames, and grow by batches; only features are kept.

    Args:
      i3d: the network.
      nt_cond: conditioning frames.
      frames: what is judged: "all" frames, or the "predicted" ones alone.
    """

    def __init__(self, i3d: I3D, nt_cond: int, frames: str = "all"):
        self._features = VideoFeatures(i3d)
        self._nt_cond, self._frames = nt_cond, frames
        self._true, self._drawn = [], []

    def update(self, videos: np.ndarray, draws: np.ndarray) -> None:
        """Takes more videos.

        Args:
          videos: the truth, uint8 [B, T, H, W, C].
          draws: the predicted frames of each draw, uint8 [B, D, T - nt_cond, H, W, C].
        """
        observed, future = videos[:, : self._nt_cond], videos[:, self._nt_cond :]
        sets = [future, *draws.swapaxes(0, 1)]
        if self._frames == "all":
            sets = [np.concatenate([observed, frames], axis=1) for frames in sets]
        true, *drawn = (self._features(frames) for frames in sets)
        self._true.append(true)
        self._drawn.append(drawn)

    def distances(self) -> list[float]:
        """The FVD of each draw; `UserError` with less than two videos."""
        true = np.concatenate(self._true)
        draws = (np.concatenate(parts) for parts in zip(*self._drawn, strict=True))
        return [frechet_distance(true, drawn) for drawn in draws]

    def summary(self) -> dict:
        """Mean of the draws and its 95 % half-width, 1.96 std / sqrt(D), population std."""
        distances = self.distances()
        over_draws = summarize(distances)
        return {
            "mean": over_draws.mean,
            "ci95": over_draws.ci95,
            "draws": distances,
            "videos": sum(map(len, self._true)),
            "frames": self._frames,
        }
