"""Makes a prepared corpus of the files in a folder, or says that it is there."""

import contextlib
import io
import os
import tempfile
from pathlib import Path

from data_pipelines.command_line import quiet_stderr
from data_pipelines.errors import DataError
from data_pipelines.paths import local_path
from data_pipelines.registry import CORPORA, loaded


def make_builder(dataset: str, data_dir: str | os.PathLike, frame_size: int = 64, **options):
    """The TFDS builder of a corpus prepared in data_dir; options: fields of `VideoFolderConfig`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():
        builder = loaded(CORPORA[dataset].builder)
    config = builder.make_config(frame_size, **options)
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
    if actions := builder.info.metadata.get("actions"):
        print(_described(actions["names"], builder.builder_config))
    print(f"{builder.data_dir}: videos: {parts}; {size:.1f} MiB; {len(skipped)} left out")
    return int(strict and bool(skipped))


def _described(names: list[str], config) -> str:
    """A line on the columns of the actions that are stored."""
    from data_pipelines.corpora.sources import some_of

    line = f"actions: {len(names)} column{'s' * (len(names) != 1)} ({some_of(names)})"
    if (stride := getattr(config, "frame_stride", 1)) == 1:
        return line
    how = "side by side" if config.stride_actions == "stack" else "summed"
    return f"{line}, {how} over {stride} frames"


def _require_same_source(builder, folder: Path) -> None:
    """Raise `DataError` if a corpus that is there was prepared from something else."""
    from data_pipelines.corpora.sources import layout_fingerprint, printable_line

    metadata = builder.info.metadata
    if not metadata.get("layout"):
        return  # by a version that did not note it, or by `tfds build --max_examples_per_split`
    way_out = "remove it or give another --data_dir."
    if metadata["source"] != printable_line(str(folder)):
        raise DataError(
            f"{builder.data_dir}: was prepared from {metadata['source']}, not {folder}; {way_out}"
        )
    if metadata["layout"] != layout_fingerprint(builder.layout(folder), folder):
        raise DataError(
            f"{builder.data_dir}: was prepared from {folder}, where files have changed since; "
            f"{way_out}"
        )
