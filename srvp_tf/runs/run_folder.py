"""A run folder: config.json, checkpoints/, logs/, samples/. All that follows training reads it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srvp_tf.config import RESUMABLE_FIELDS, Config, ModelConfig, differing_settings
from srvp_tf.config.corpora import local_path
from srvp_tf.config.registries import MODELS
from srvp_tf.config.shipped import describe_shipped_models, shipped_models
from srvp_tf.config.tensorflow_start import load_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.atomic_files import LEFTOVERS, remove_leftovers, replacing
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from srvp_tf.runs.checkpoints import DamagedCheckpoint
from srvp_tf.runs.run_lock import HOLDER_FILE, LOCK_FILE, RunLock

if TYPE_CHECKING:
    import tensorflow as tf

    from srvp_tf.models.video_model import VideoModel

CONFIG_FILE = "config.json"


def save_config(config: Config, path: str | os.PathLike) -> None:
    """Write a `Config` so that a crash leaves the old file or the new, never a part."""
    with replacing(local_path(path)) as temporary:
        temporary.write_text(config.to_json(), encoding="utf-8")


def _is_ours(path: Path) -> bool:
    """Whether a file may be there before config.json is: that of a start that was killed."""
    return path.name in (LOCK_FILE, HOLDER_FILE) or path.match(LEFTOVERS)


class RunFolder:
    """Paths and files of a run; `results` is the folder for what commands find out about it."""

    def __init__(self, path: str | os.PathLike):
        self.path = local_path(path)
        self.config_path = self.path / CONFIG_FILE
        self.logs = self.path / "logs"
        self.samples = self.path / "samples"
        self.results = self.path

    @classmethod
    def find(cls, run: str | os.PathLike) -> "RunFolder":
        """The folder of a run: its path, or the name of a shipped model.

        A run folder of that name comes first; without one the name means the shipped model, whose
        results then go into a folder of its name in the current one.
        """
        folder = cls(run)
        if not folder.config_path.is_file() and (shipped := shipped_models().get(str(run))):
            results, folder = folder.path, cls(shipped)
            folder.results = results
        return folder

    def check(self, config: Config) -> None:
        """Check that the folder is free, or holds a run of this very configuration.

        Raises:
            UserError: it holds another configuration, or something else.
        """
        if self.config_path.exists():
            found = differing_settings(
                Config.load(self.config_path), config, ignore=RESUMABLE_FIELDS
            )
            if found:
                raise UserError(
                    f"{self.path} holds a run of another configuration ({'; '.join(found[:5])}"
                    f"{'; ...' if len(found) > 5 else ''}): choose another --run_dir"
                )
        elif self.path.is_dir() and not all(map(_is_ours, self.path.iterdir())):
            raise UserError(f"{self.path} holds other files and no run: choose another --run_dir")
        elif self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path} is a file: choose another --run_dir")

    def lock(self, config: Config) -> RunLock:
        """Take the right to train in the folder, made if need be: a `RunLock`.

        Raises:
            UserError: as `check`, another trainer has it, or it cannot be written.
        """
        self.check(config)
        with self._writing():
            lock = RunLock(self.path)
            lock.acquire()
        return lock

    def create(self, config: Config) -> None:
        """Make the folder and its configuration; clear away what a killed trainer left.

        Raises:
            UserError: as `check`, or it cannot be written.
        """
        self.check(config)
        with self._writing():
            remove_leftovers(self.path, f".{CONFIG_FILE}.*.tmp")
            # The configuration comes first: without it the folder would be taken for a foreign one.
            save_config(config, self.config_path)
            for folder in (self.logs, self.samples):
                folder.mkdir(exist_ok=True)
            remove_leftovers(self.samples)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Context: the folder exists and takes files, or `UserError`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not os.access(self.path, os.W_OK):
                raise PermissionError(0, "not writable")
            yield
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written ({error.strerror}): choose another --run_dir"
            ) from None

    def config(self) -> Config:
        """The run's `Config`; `UserError` if this is no run folder."""
        if not self.config_path.is_file():
            reason = f"it has no {CONFIG_FILE}" if self.path.exists() else "there is none"
            raise UserError(
                f"{self.path} is not a run folder: {reason}; shipped models: "
                f"{', '.join(shipped_models())}"
            )
        return Config.load(self.config_path)

    def checkpoints(self, keep_last: int = 3) -> CheckpointFolder:
        """The run's `CheckpointFolder`."""
        return CheckpointFolder(self.path / "checkpoints", keep_last)

    def checkpoint_path(self, kind: str | None = None) -> Path:
        """The newest "last" or "best" checkpoint; None: the kind that the configuration judges."""
        kind = kind or self.config().eval.checkpoint
        path = self.checkpoints().newest(kind)
        if path is None:
            raise UserError(f"{self.path} has no {kind!r} checkpoint: train it first")
        return path


def weights_path(run_or_checkpoint: str | os.PathLike) -> Path:
    """The checkpoint meant by a run folder, a shipped model or the path of a checkpoint."""
    path = local_path(run_or_checkpoint)
    if path.is_file():
        return path
    if not path.is_dir() and str(path) not in shipped_models():
        raise UserError(f"{path} is neither a run folder nor a checkpoint")
    return RunFolder.find(path).checkpoint_path()


def model_variables(model: "VideoModel") -> "dict[str, tf.Variable]":
    """Name -> variable of all weights of a model, as checkpoints call them."""
    return {"model/" + weight.path.partition("/")[2]: weight.value for weight in model.weights}


def load_weights(model: "VideoModel", run_or_checkpoint: str | os.PathLike) -> dict[str, Any]:
    """Give `model` the weights of a run folder or checkpoint; returns the checkpoint's metadata.

    Raises:
        UserError: no such checkpoint, a damaged one, or one of another model.
    """
    path = weights_path(run_or_checkpoint)
    try:
        arrays, metadata = checkpoints.read_checkpoint(path)
    except DamagedCheckpoint as error:
        raise UserError(f"{error}{_older_one(path)}") from None
    weights = {name: array for name, array in arrays.items() if name.startswith("model/")}
    checkpoints.assign_arrays(model_variables(model), weights, path)
    return metadata


def read_model(
    config: ModelConfig, run_or_checkpoint: str | os.PathLike
) -> "tuple[VideoModel, dict[str, Any]]":
    """A new model with the weights of a run folder or checkpoint, and the checkpoint's metadata.

    The sizes that a `ModelConfig` asks for take memory only if the checkpoint has them.

    Raises:
        UserError: as `load_weights`.
    """
    load_tensorflow()  # the rest of this file does without
    model = MODELS[config.model](config)
    return model, load_weights(model, run_or_checkpoint)


def _older_one(path: Path) -> str:
    """What deleting a damaged checkpoint of a run would lead to."""
    folder = CheckpointFolder(path.parent)
    for kind in ("last", "best"):
        if path in folder.paths(kind):
            older, *_ = folder.newest_whole((kind,))
            return f"; then {older.name} is the newest" if older else ""
    return ""


def load_model(
    run: str | os.PathLike | None = None, checkpoint: str | os.PathLike | None = None
) -> "VideoModel | None":
    """The trained model of a run, in float32: `srvp_tf.load`.

    Args:
        run: the path of a run folder, the name of a shipped model, or a `.keras` file that
            `model.save` wrote. None: print the shipped models, a line each, and return None.
        checkpoint: of a run folder: "last", "best" or the path of a checkpoint; None: the kind that
            the run's configuration judges.

    Raises:
        UserError: there is no such run or checkpoint, a damaged one, or one of another model.
    """
    if run is None:
        print(describe_shipped_models())
        return None
    if str(run).endswith(".keras"):
        return _load_keras_file(run)
    folder = RunFolder.find(run)
    config = folder.config()
    if checkpoint in (None, "last", "best"):
        checkpoint = folder.checkpoint_path(checkpoint)
    return read_model(config.model, checkpoint)[0]


def _load_keras_file(path: str | os.PathLike) -> "VideoModel":
    load_tensorflow()
    import keras

    from srvp_tf.models.video_model import VideoModel

    for name in MODELS:
        MODELS[name]  # known to Keras once it is imported
    path = local_path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    try:
        model = keras.models.load_model(path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path} cannot be read as a Keras model: {reason}") from None
    if not isinstance(model, VideoModel):
        raise UserError(f"{path} holds a {type(model).__name__}, no model of videos")
    return model
