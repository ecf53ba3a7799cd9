"""What comes from `data_pipelines`, for the rest of the package: the one place that knows it.

Its `DataError` becomes the package's own `UserError` here.
"""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from data_pipelines import command_line as command_line
from data_pipelines import paths, registry
from data_pipelines.command_line import quiet_stderr as quiet_stderr
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path as define_path
from data_pipelines.paths import define_paths as define_paths
from data_pipelines.registry import CORPORA as CORPORA
from srvp_tf.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from data_pipelines.corpus import Corpus
    from data_pipelines.readers import npy_headers

EMBEDDED_DIGITS = (
    "the package has 2,000 of the 10,000 test digits, --digits=idx --digits_dir=FOLDER gives all"
)


@contextlib.contextmanager
def _user_errors() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise UserError(str(error)) from None


class _Corpus:
    """A `data_pipelines.corpus.Corpus` whose errors are `UserError`s."""

    def __init__(self, corpus):
        self._corpus = corpus

    def __getattr__(self, name):
        value = getattr(self._corpus, name)
        return functools.wraps(value)(_user_errors()(value)) if callable(value) else value


@_user_errors()
def local_path(path: str | os.PathLike) -> Path:
    """See `data_pipelines.paths.local_path`; raises `UserError`."""
    return paths.local_path(path)


@_user_errors()
def open_corpus(config) -> "Corpus":
    """The `data_pipelines` corpus of a `Config`.

    Raises:
      UserError: --data_dir is missing, or what is there cannot be used.
    """
    data, model = config.data, config.model
    settings = {
        "data_dir": data.data_dir,
        "digits_source": data.digits,
        "digits_dir": data.digits_dir or None,
        "motion": data.motion,
        "num_digits": data.num_digits,
        "max_speed": data.max_speed,
        "frame_size": model.frame_size,
        "channels": model.channels,
    }
    known = registry.corpus_options(data.dataset)
    if model.action_size:
        if "actions" not in known:
            raise UserError(
                f"--action_size={model.action_size}: {data.dataset} has no actions, use "
                "--action_size=0"
            )
        settings |= {"actions": True, "state": data.state_size > 0}
    if known.get("data_dir") and not data.data_dir:
        raise UserError(
            "--data_dir is missing: make it with `python -m data_pipelines.prepare "
            f"--dataset={data.dataset}`"
        )
    options = {name: value for name, value in settings.items() if name in known}
    corpus = registry.open_corpus(data.dataset, **options)
    found = (len(corpus.action_names), corpus.num_state) if model.action_size else (0, 0)
    if found != (model.action_size, data.state_size):
        raise UserError(
            f"--action_size={model.action_size} --state_size={data.state_size}: {data.data_dir} "
            f"has {found[0]} columns ({', '.join(corpus.action_names)}), {found[1]} of a state"
        )
    return _Corpus(corpus)


def action_scale(corpus: "Corpus") -> "tuple[np.ndarray, np.ndarray] | None":
    """(mean, scale) of a corpus' actions [A], over its training part; None without actions."""
    if not getattr(corpus, "action_names", ()):
        return None
    return corpus.action_mean, corpus.action_scale


def iterate_frames(
    path: str | os.PathLike, max_frames: int | None = None
) -> "Iterator[np.ndarray]":
    """See `data_pipelines.readers.video_files.iterate_frames`; raises `UserError`."""
    from data_pipelines.readers import video_files

    with _user_errors():
        yield from video_files.iterate_frames(path, max_frames)


def action_names(config) -> tuple[str, ...]:
    """Columns of the actions of a `Config`'s corpus; () where it is not at hand."""
    try:
        return open_corpus(config).action_names
    except UserError:  # a model is often used elsewhere
        return ()


@_user_errors()
def read_actions(path: str | os.PathLike, names: tuple[str, ...] = ()) -> "np.ndarray":
    """The rows of a table of actions, .csv or .npy: float32 [R, A].

    Args:
      names: the columns, in order, by which those of a .csv are put; (): they stay as they are.

    Raises:
      UserError: it cannot be read, or has other columns.
    """
    from data_pipelines.readers import action_tables

    path = paths.local_path(path)
    columns = action_tables.read_columns(path)
    if names and path.suffix == ".csv":
        if set(columns) != set(names):
            raise DataError(
                f"{path}: has columns {', '.join(columns)}, the corpus {', '.join(names)}."
            )
        columns = names
    return action_tables.read_rows(path, columns)


@_user_errors()
def actions_beside(video: str | os.PathLike, names: tuple[str, ...] = ()) -> "np.ndarray | None":
    """Those of the table beside a video, `clip.actions.csv` or `.npy`; None if there is none.

    Raises:
      UserError: as `read_actions`, or there are two.
    """
    from data_pipelines.readers import action_tables

    tables = action_tables.find_tables(paths.local_path(video))
    if len(tables) > 1:
        raise DataError(f"{video}: two tables of actions lie beside it; remove one.")
    return read_actions(tables[0], names) if tables else None


@_user_errors()
def remarks(path: str | os.PathLike) -> list[str]:
    """See `data_pipelines.readers.video_files.remarks`."""
    from data_pipelines.readers import video_files

    return video_files.remarks(path)


@_user_errors()
def fit_frames(frames: "np.ndarray", size: int, channels: int) -> "np.ndarray":
    """See `data_pipelines.readers.resizing.fit_frames`."""
    from data_pipelines.readers import resizing

    return resizing.fit_frames(frames, size, channels)


def read_header(file: BinaryIO) -> "npy_headers.Header":
    """See `data_pipelines.readers.npy_headers.read_header`."""
    from data_pipelines.readers import npy_headers

    return npy_headers.read_header(file)
