"""Prepare a corpus for training: decode its videos once, into the frames that a model sees.

    python -m data_pipelines.prepare --dataset=kth --source_dir=KTH --data_dir=prepared

The same command goes on after an interruption. A file that cannot be used is named in one line and
left out; exit status 0 all the same, with --strict 1.
"""

import contextlib
import io
import os
import tempfile
from pathlib import Path

from absl import flags

from data_pipelines import command_line
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path, local_path
from data_pipelines.readers.resizing import FITS

DATASETS = ("kth", "human36m", "bair", "video_folder")
_MAX_FRAME_SIZE = 1024
_FOLDER_FLAGS = ("channels", "fit", "frame_stride", "min_frames")


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""

    def number(name, default, help, most=None):
        bounds = {"lower_bound": 1, "upper_bound": most}
        flags.DEFINE_integer(name, default, help, flag_values=flag_values, **bounds)

    def choice(name, default, choices, help):
        flags.DEFINE_enum(name, default, choices, help, flag_values=flag_values)

    choice("dataset", None, DATASETS, "corpus")
    define_path("source_dir", None, "folder of its files", flag_values)
    define_path("data_dir", None, "folder to prepare it in; training takes the same", flag_values)
    number("frame_size", 64, "height and width of the prepared frames, pixels", _MAX_FRAME_SIZE)
    number("workers", None, "processes; by default one per core")
    flags.DEFINE_bool("strict", False, "exit with 1 if a file is left out", flag_values=flag_values)
    number("channels", 3, "video_folder: 1 for grey, 3 for colour")
    choice("fit", "crop", FITS, "video_folder: how frames become square")
    number("frame_stride", 1, "video_folder: keep every so many-th frame")
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
    source_dir = Path(flag_values.source_dir)
    if not source_dir.is_dir():
        raise DataError(f"--source_dir={source_dir} is no folder; name the one of the files.")
    builder = make_builder(
        flag_values.dataset, flag_values.data_dir, flag_values.frame_size, **options
    )
    return prepare(builder, source_dir, flag_values.workers, flag_values.strict)


def make_builder(dataset: str, data_dir: str | os.PathLike, frame_size: int = 64, **options):
    """The TFDS builder of a corpus prepared in data_dir; options: fields of `VideoFolderConfig`."""
    from data_pipelines.command_line import quiet_stderr

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():
        from data_pipelines.corpora.builders import BUILDERS
        from data_pipelines.corpora.builders.video_builder import VideoConfig
        from data_pipelines.corpora.builders.video_folder import (
            VideoFolderConfig,
            folder_config_name,
        )
    if dataset == "video_folder":
        config = VideoFolderConfig(name="", frame_size=frame_size, **options)
        config.name = folder_config_name(config)
    else:
        config = VideoConfig(name=str(frame_size), frame_size=frame_size)
    builder = BUILDERS[dataset]
    # TFDS wants a configuration that a class lists to be that very object.
    config = builder.builder_configs.get(config.name, config)
    return builder(config=config, data_dir=os.fspath(local_path(data_dir)))


def prepare(
    builder, source_dir: str | os.PathLike, workers: int | None = None, strict: bool = False
) -> int:
    """Prepare a builder's corpus from the files in source_dir; prints a summary.

    Returns:
        The exit status: 1 if something was left out and `strict`, else 0.

    Raises:
        DataError: the folder holds no such corpus, or a part of it has no usable video; or the
            corpus is there already, prepared from another folder or from other files.
        OSError: the disk is full or refuses.
    """
    import tensorflow_datasets as tfds

    source_dir = local_path(source_dir).resolve()
    if not source_dir.is_dir() or not any(source_dir.iterdir()):
        raise DataError(f"{source_dir}: is no folder with files in it; name that of the videos.")
    if Path(builder.data_dir).exists():
        _require_same_source(builder, source_dir)
        print(f"{builder.data_dir} is there already; remove it to prepare the corpus anew")
    else:
        builder.workers = workers
        config = tfds.download.DownloadConfig(manual_dir=os.fspath(source_dir))
        with tempfile.TemporaryDirectory() as downloads, contextlib.redirect_stdout(io.StringIO()):
            # Nothing is downloaded, though TFDS says so.
            builder.download_and_prepare(download_dir=downloads, download_config=config)
    skipped = builder.info.metadata["skipped"]
    parts = ", ".join(f"{s.num_examples} {name}" for name, s in builder.info.splits.items())
    size = builder.info.dataset_size / 2**20
    for line in builder.info.metadata.get("remarks", []):
        print(f"note: {line}")
    print(f"{builder.data_dir}: videos: {parts}; {size:.1f} MiB; {len(skipped)} left out")
    return int(strict and bool(skipped))


def _require_same_source(builder, folder: Path) -> None:
    """Raise `DataError` if a corpus that is there was prepared from something else."""
    from data_pipelines.corpora.sources import layout_fingerprint, one_line

    metadata = builder.info.metadata
    if not metadata.get("layout"):
        return  # by a version that did not note it, or by `tfds build --max_examples_per_split`
    way_out = "remove it or give another --data_dir."
    if metadata["source"] != one_line(str(folder)):
        raise DataError(
            f"{builder.data_dir}: was prepared from {metadata['source']}, not {folder}; {way_out}"
        )
    if metadata["layout"] != layout_fingerprint(builder.layout(folder, frozenset()), folder):
        raise DataError(
            f"{builder.data_dir}: was prepared from {folder}, where files have changed since; "
            f"{way_out}"
        )


if __name__ == "__main__":
    command_line.run(main, define_flags)
