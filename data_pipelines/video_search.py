"""Finds videos and folders of images at any depth, each file once by whatever path it is reached.

A video that links show twice could otherwise both train and test.
"""

import os
from collections.abc import Collection
from pathlib import Path

from data_pipelines.image_files import IMAGE_SUFFIXES
from data_pipelines.video_files import VIDEO_SUFFIXES


class VideoSearch:
    """Searches one folder after the other; what an earlier search has found is passed over."""

    def __init__(self):
        self._first: dict[str, Path] = {}
        self.skipped: list[str] = []
        """A line for each folder that cannot be read, and each file or folder found again."""

    def find(self, root: Path, without: Collection[Path] = ()) -> list[Path]:
        """Videos and folders of images below a folder, sorted; hidden ones are passed over.

        The folders `without` are not entered.
        """
        found = []
        for here, folders, files in os.walk(root, followlinks=True, onerror=self._cannot_read):
            if not self._is_new(Path(here)):
                folders.clear()
                continue
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".") and Path(here, name) not in without
            )
            files = sorted(name for name in files if not name.startswith("."))
            videos = [Path(here, name) for name in files if name.lower().endswith(VIDEO_SUFFIXES)]
            found += filter(self._is_new, videos)
            if any(name.lower().endswith(IMAGE_SUFFIXES) for name in files):
                found.append(Path(here))
        return sorted(found)

    def _is_new(self, path: Path) -> bool:
        first = self._first.setdefault(os.path.realpath(path), path)
        if first is not path:
            self.skipped.append(f"{path}: is {first} again.")
        return first is path

    def _cannot_read(self, error: OSError) -> None:
        self.skipped.append(f"{error.filename}: cannot be read ({error.strerror}).")
