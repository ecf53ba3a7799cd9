"""Players of the page: rows of videos that run in step."""

from typing import NamedTuple

from srvp_tf.gallery_page.sheets import FrameSheet

FRAMES_PER_SECOND = 6
SIDES = (192, 128)
"""How wide frames are shown at most, in CSS pixels: on a wide screen, on a phone."""
NO_TILE = -1


class ShownClip(NamedTuple):
    """One video of a player.

    caption: what it is. note: a score or the like, may be empty.
    tiles: number of a frame in the player's sheet for each tick, `NO_TILE` where there is none.
    predicted_from: first tick that shows a prediction; the frames before are given or true.
    """

    caption: str
    note: str
    tiles: tuple[int, ...]
    predicted_from: int


class Group(NamedTuple):
    """Clips that belong together, e.g. those of one run; the label may be empty."""

    label: str
    clips: tuple[ShownClip, ...]


class Row(NamedTuple):
    """Groups about one video or pair of videos."""

    title: str
    groups: tuple[Group, ...]


class Player:
    """Rows of clips with one clock and one sheet of frames.

    Args:
        id: unique in the page; letters, digits and hyphens.
        label: what the player shows, for those who do not see it.
        length: ticks of its clock.
        ticks_per_frame: ticks in a frame interval.
        num_given: ticks before the first prediction; 0 where that says nothing.
    """

    def __init__(self, id, label, length, ticks_per_frame=1, num_given=0):
        self.id, self.label, self.length = id, label, length
        self.ticks_per_frame, self.num_given = ticks_per_frame, num_given
        self.sheet, self.rows = FrameSheet(), []

    @property
    def sheet_file(self) -> str:
        """Where the page looks for the sheet."""
        return f"sheets/{self.id}.webp"

    @property
    def scales(self) -> tuple[int, int]:
        """Screen pixels per pixel, on a wide screen and on a phone: whole ones."""
        return tuple(max(side // self.sheet.tile_size[1], 1) for side in SIDES)

    @property
    def ticks_per_second(self) -> int:
        """Pace of the clock."""
        return FRAMES_PER_SECOND * self.ticks_per_frame

    @property
    def num_frames(self) -> int:
        """Frame intervals' ends that the clock passes, the first frame counted too."""
        return (self.length - 1) // self.ticks_per_frame + 1

    def clip(self, caption, video, predicted_from, note="", hold=1) -> ShownClip:
        """A clip of this player.

        Args:
            caption, note: see `Clip`.
            video: uint8 [T, H, W, C]; where it is shorter than the clock nothing is shown.
            predicted_from: index of the first predicted frame of the video, T for a true one.
            hold: ticks that a frame stays.
        """
        tiles = [tile for tile in self.sheet.add(video) for _ in range(hold)][: self.length]
        tiles += [NO_TILE] * (self.length - len(tiles))
        return ShownClip(caption, note, tuple(tiles), min(predicted_from * hold, self.length))
