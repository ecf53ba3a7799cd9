"""What the sections of a chapter are made from, and how they lay it out."""

from typing import NamedTuple

import numpy as np

from srvp_tf.gallery_page.players import Group, Player, ShownClip
from srvp_tf.gallery_page.stored_evaluations import StoredEvaluation
from srvp_tf.models.video_model import VideoModel


class ShownRun(NamedTuple):
    """A run of a chapter: its name, its model, and the evaluation whose samples are shown."""

    name: str
    model: VideoModel
    evaluation: StoredEvaluation


class Material(NamedTuple):
    """Runs, and the test videos that they are shown on.

    chapter: its id. runs: `ShownRun`s. nt_cond: conditioning frames.
    videos: the test videos shown, uint8 [V, T, H, W, C]. seed: of the predictions.
    actions: of the videos [V, T - 1, A], and the names of their columns; None, () without.
    """

    chapter: str
    runs: tuple[ShownRun, ...]
    videos: np.ndarray
    nt_cond: int
    seed: int
    actions: np.ndarray | None = None
    action_names: tuple[str, ...] = ()

    @property
    def horizon(self) -> int:
        """Frames after the conditioning ones."""
        return self.videos.shape[1] - self.nt_cond

    @property
    def observed(self) -> np.ndarray:
        """The conditioning frames [V, nt_cond, H, W, C]."""
        return self.videos[:, : self.nt_cond]

    def player(self, name, label, length, **options) -> Player:
        """A player of this chapter."""
        return Player(f"{self.chapter}-{name}-player", label, length, **options)

    def groups(self, before, of_run, after=()):
        """Clips before, those of the run, clips after; with several runs a group for each."""
        if len(self.runs) == 1:
            return [Group("", (*before, *of_run(self.runs[0]), *after))]
        sides = Group("", (*before, *after))
        return [sides, *(Group(run.name, tuple(of_run(run))) for run in self.runs)]

    def forecast_clip(self, player, caption, index, predicted, note="") -> ShownClip:
        """The conditioning frames of video `index`, then predicted ones [K, H, W, C]."""
        video = np.concatenate([self.observed[index], predicted])
        return player.clip(caption, video, self.nt_cond, note)
