"""What the sections of a chapter are made from, and how they lay it out."""

from typing import NamedTuple

import numpy as np

from srvp_tf.config import Config
from srvp_tf.gallery_page.players import Group, Player, Row, ShownClip
from srvp_tf.gallery_page.stored_evaluations import StoredEvaluation
from srvp_tf.models.video_model import VideoModel


class OpenRun(NamedTuple):
    """A run, its model, the report for the table, and the evaluation whose samples are shown."""

    name: str
    config: Config
    model: VideoModel
    step: int
    report: dict
    evaluation: StoredEvaluation


class Material(NamedTuple):
    """Runs, and the test videos that they are shown on.

    chapter: its id. runs: `OpenRun`s. nt_cond: conditioning frames.
    videos: the test videos shown, uint8 [V, T, H, W, C]. seed: of the predictions.
    actions: of the videos [V, T - 1, A], and the names of their columns; None, () without.
    """

    chapter: str
    runs: tuple[OpenRun, ...]
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

    def add_rows(self, player, title, count, before, of_run, after=lambda index: ()) -> None:
        """Give a player its rows, one per video or pair; with several runs a group for each.

        Args:
            title, count: of the rows, which are numbered.
            before, after: functions of the index of a row to the clips around those of the runs.
            of_run: function of (`OpenRun`, index) to its clips.
        """
        for index in range(count):
            first = before(index)
            of_runs = [Group(run.name, tuple(of_run(run, index))) for run in self.runs]
            if len(of_runs) == 1:
                groups = (Group("", (*first, *of_runs[0].clips, *after(index))),)
            else:
                groups = (Group("", (*first, *after(index))), *of_runs)
            player.rows.append(Row(f"{title} {index + 1}", groups))

    def truth(self, player, hold=1):
        """For `add_rows`: function of the index of a video to its clip, see `Player.clip`."""

        def clips(index):
            video = self.videos[index]
            ends = len(video) * hold < player.length
            caption = f"truth, {len(video)} frames" if ends else "truth"
            return [player.clip(caption, video, len(video), hold=hold)]

        return clips

    def forecast_clip(self, player, caption, index, predicted, note="") -> ShownClip:
        """The conditioning frames of video `index`, then predicted ones [K, H, W, C]."""
        video = np.concatenate([self.observed[index], predicted])
        return player.clip(caption, video, self.nt_cond, note)
