"""Prepare a corpus for training: decode its videos once, into the frames that a model sees.

    python -m data_pipelines.prepare --dataset=kth --source_dir=KTH --data_dir=prepared

The same command goes on after an interruption. A file that cannot be used is named in one line and
left out; exit status 0 all the same, with --strict 1.
"""

import functools
from pathlib import Path

from absl import flags

from data_pipelines import command_line
from data_pipelines.corpora.preparation import make_builder, prepare
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path
from data_pipelines.readers.resizing import FITS
from data_pipelines.registry import CORPORA

_MAX_FRAME_SIZE = 1024
_FOLDER_FLAGS = ("channels", "fit", "frame_stride", "stride_actions", "min_frames")


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""
    own = {"flag_values": flag_values}
    number = functools.partial(flags.DEFINE_integer, lower_bound=1, **own)
    corpora = [name for name, entry in CORPORA.items() if entry.builder]
    flags.DEFINE_enum("dataset", None, corpora, "corpus", **own)
    define_path("source_dir", None, "folder of its files", **own)
    define_path("data_dir", None, "folder to prepare it in; training takes the same", **own)
    text = "height and width of the prepared frames, pixels"
    number("frame_size", 64, text, upper_bound=_MAX_FRAME_SIZE)
    number("workers", None, "processes; by default one per core")
    flags.DEFINE_bool("strict", False, "exit with 1 if a file is left out", **own)
    number("channels", 3, "video_folder: 1 for grey, 3 for colour")
    flags.DEFINE_enum("fit", "crop", FITS, "video_folder: how frames become square", **own)
    number("frame_stride", 1, "video_folder: keep every so many-th frame")
    text = "video_folder: actions of the frames between: added, or side by side"
    flags.DEFINE_enum("stride_actions", "sum", ("sum", "stack"), text, **own)
    number("min_frames", 20, "video_folder: leave out shorter videos (after the stride)")


def main(flag_values: flags.FlagValues) -> int:
    """Prepare; returns the exit status."""
    for name in ("dataset", "source_dir", "data_dir"):
        if not flag_values[name].value:
            raise DataError(f"--{name} is missing (--help lists the flags).")
    options = {name: flag_values[name].value for name in _FOLDER_FLAGS if flag_values[name].present}
    if options and flag_values.dataset != "video_folder":
        raise DataError(f"--{next(iter(options))} is an option of --dataset=video_folder alone.")
    if flag_values.channels not in (1, 3):
        raise DataError(f"--channels={flag_values.channels}: give 1 or 3.")
    if not Path(flag_values.source_dir).is_dir():
        raise DataError(
            f"--source_dir={flag_values.source_dir} is no folder; name the one of the files."
        )
    builder = make_builder(
        flag_values.dataset, flag_values.data_dir, flag_values.frame_size, **options
    )
    return prepare(builder, flag_values.source_dir, flag_values.workers, flag_values.strict)


if __name__ == "__main__":
    command_line.run(main, define_flags)
