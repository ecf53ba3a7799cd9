"""Finds videos and folders of images at any depth, each file once by whatever path it is reached.

A video that links show twice could otherwise both train and test.
"""

import os
from collections.abc import Collection
from pathlib import Path

from data_pipelines.readers.action_tables import TABLE_SUFFIXES
from data_pipelines.readers.image_files import IMAGE_SUFFIXES, num_pages
from data_pipelines.readers.video_files import VIDEO_SUFFIXES

# What lies beside videos and is none; other texts are known by their content.
_OTHER_SUFFIXES = tuple(
    ".txt .md .json .csv .tsv .xml .yaml .yml .html .srt .vtt .wav .mp3 .m4a .aac .flac .ogg .opus "
    ".pdf .doc .docx .xls .xlsx .odt .ods .db .pyc".split()
)
_TEXT_LETTERS = 1024


class VideoSearch:
    """Searches one folder after the other; what an earlier search has found is passed over."""

    def __init__(self):
        self._first: dict[str, Path] = {}
        self.skipped: list[str] = []
        """A line for each file that is not used and may be a video, each folder that cannot be
        read, and each file or folder found again."""

    def find(self, root: Path, without: Collection[Path] = ()) -> list[Path]:
        """Videos and folders of images below a folder, sorted; hidden ones are passed over.

        Images beside videos are none: mostly they show what is in these. Image files of several
        pages are videos. The folders `without` are not entered.
        """
        found, of_root = [], []
        for here, folders, files in os.walk(root, followlinks=True, onerror=self._cannot_read):
            here = Path(here)
            if not self._is_new(here):
                folders.clear()
                continue
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and here / name not in without
            )
            files = sorted(here / name for name in files if not name.startswith("."))
            videos = [path for path in files if path.name.lower().endswith(VIDEO_SUFFIXES)]
            images = [path for path in files if path.name.lower().endswith(IMAGE_SUFFIXES)]
            self.skipped += filter(None, map(_unread, files))
            # One tells of all: folders of a hundred thousand images are usual.
            if images and num_pages(images[0]) > 1:
                videos, images = videos + images, []
            found += filter(self._is_new, videos)
            if here == root:
                of_root = images
            named = {path.stem for path in videos} | set(folders)
            for path in files:
                stem = path.name[: -len(TABLE_SUFFIXES[0])]
                if path.name.endswith(TABLE_SUFFIXES) and stem not in named:
                    self.skipped.append(f"{path}: no video {stem} lies beside this table.")
            if images and videos:
                self.skipped.append(_beside(here, images))
            elif images:
                found.append(here)
        if root in found and len(found) > 1:
            found.remove(root)
            self.skipped.append(_beside(root, of_root))
        return sorted(found)

    def _is_new(self, path: Path) -> bool:
        first = self._first.setdefault(os.path.realpath(path), path)
        if first is not path:
            self.skipped.append(f"{path}: is {first} again.")
        return first is path

    def _cannot_read(self, error: OSError) -> None:
        self.skipped.append(f"{error.filename}: cannot be read ({error.strerror}).")


def _beside(folder: Path, images: list[Path]) -> str:
    count = "1 image" if len(images) == 1 else f"{len(images)} images"
    return (
        f"{folder}: {count} beside videos ({images[0].name}{', ...' * (len(images) > 1)}), taken "
        "for no video; give frames of a video a folder of their own."
    )


def _unread(path: Path) -> str | None:
    """A line for a file that may be a video but is not read."""
    if path.name.lower().endswith((*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *_OTHER_SUFFIXES)):
        return None
    if path.name.endswith(TABLE_SUFFIXES):
        return None
    try:
        if not path.is_file():
            return f"{path}: is no file."
        with open(path, encoding="utf-8") as file:
            text = file.read(_TEXT_LETTERS)
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror})."
    except UnicodeDecodeError:
        text = ""
    if text and "\0" not in text:
        return None
    return f"{path}: is of no kind that is read ({', '.join(VIDEO_SUFFIXES)}); convert it to .mp4."
