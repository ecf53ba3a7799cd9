"""The checkpoints of a run: the last ones and the best one, each in a file of its own."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from srvp_tf.runs.atomic_files import remove_leftovers
from srvp_tf.runs.checkpoints import DamagedCheckpoint, read_checkpoint, write_checkpoint

SET_ASIDE = ".damaged"
_NAME = re.compile(r"(last|best)-(\d+)\.npz")


class CheckpointFolder:
    """The checkpoints of one run: the last `keep_last` ones, and the best one."""

    def __init__(self, folder: str | os.PathLike, keep_last: int = 3):
        self.folder, self.keep_last = Path(folder), keep_last

    def open(self) -> None:
        """Create the folder; remove what an interrupted write left behind."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder)

    def save(
        self, kind: str, step: int, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]
    ) -> Path:
        """Write a "last" or "best" checkpoint, then remove those that it replaces.

        Files that were set aside go too: their steps are behind, or are about to be taken anew.
        """
        path = self.path(kind, step)
        write_checkpoint(path, arrays, metadata)
        self.prune(kind, newest=path)
        for damaged in self.folder.glob(f"*{SET_ASIDE}"):
            damaged.unlink()
        return path

    def prune(self, kind: str, newest: Path | None = None) -> None:
        """Remove all but the newest checkpoints of a kind, as many as are kept.

        `newest` counts as the newest one, whatever its step.
        """
        keep = 1 if kind == "best" else self.keep_last
        paths = self.paths(kind)
        if newest is not None:
            paths.remove(newest)
            keep -= 1
        for replaced in paths[: max(len(paths) - keep, 0)]:
            replaced.unlink()

    def path(self, kind: str, step: int) -> Path:
        """Where the "last" or "best" checkpoint of a step goes."""
        return self.folder / f"{kind}-{step:08d}.npz"

    def paths(self, kind: str) -> list[Path]:
        """Paths of the "last" or "best" checkpoints, oldest first."""
        return [path for _, path in self._numbered(kind)]

    def newest(self, kind: str) -> Path | None:
        """Path of the newest "last" or "best" checkpoint, or None."""
        return next(reversed(self.paths(kind)), None)

    def newest_step(self) -> int:
        """The step of the newest checkpoint of any kind; -1 if there is none."""
        numbered = [*self._numbered("last"), *self._numbered("best")]
        return max((step for step, _ in numbered), default=-1)

    def newest_whole(
        self, kinds: Sequence[str] = ("last", "best")
    ) -> tuple[Path | None, tuple[dict, dict] | None, dict[Path, DamagedCheckpoint]]:
        """The newest checkpoint that is not damaged, of any of some kinds.

        Returns:
            Its path, (arrays, metadata), and the damaged newer ones as path -> the error; path and
            contents are None if there is none.

        Raises:
            UserError: the newest is of a later format.
        """
        damaged = {}
        # Of one step, "last" is saved after "best": it comes first.
        numbered = [(step, kind, path) for kind in kinds for step, path in self._numbered(kind)]
        for *_, path in sorted(numbered, reverse=True):
            try:
                return path, read_checkpoint(path), damaged
            except DamagedCheckpoint as error:
                damaged[path] = error
        return None, None, damaged

    def set_aside(self, path: Path) -> None:
        """Rename a damaged checkpoint, so that it is none; the next one saved removes it."""
        path.rename(path.with_name(path.name + SET_ASIDE))

    def _numbered(self, kind: str) -> list[tuple[int, Path]]:
        found = []
        for path in self.folder.glob(f"{kind}-*.npz"):
            if match := _NAME.fullmatch(path.name):
                found.append((int(match[2]), path))
        return sorted(found)
