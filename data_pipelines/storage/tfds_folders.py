"""Opens folders that TensorFlow Datasets wrote, without trusting what is in them.

A folder's features.json names Python classes, and TFDS imports the module of each: of any that can
be found, the working directory included. Here only TFDS' own features pass.
"""

import json
import re
from pathlib import Path

from data_pipelines.errors import DataError

# Of a text file: 200 bytes each for the names of 80,000 files that were left out. Parsed, it takes
# up to 40 times as much.
_MAX_BYTES = 1 << 24
_MAX_SHARDS = 10_000  # `prepare` writes 256 at most
_CLASS = re.compile(r"tensorflow_datasets\.core\.features\.\w+\.\w+")
_NAMES = {
    "pythonClassName": _CLASS,
    "type": _CLASS,  # an older form, of sequences to this day
    "proto_cls": re.compile(r"tensorflow_datasets\.\w+"),
    "json": re.compile(""),  # JSON as a text, which could name others
}


def open_folder(folder: Path):
    """The read-only `tfds.core.DatasetBuilder` of a folder with dataset_info.json.

    Raises:
        DataError: a file in it is damaged, or not as TFDS writes it.
    """
    import tensorflow_datasets as tfds

    try:
        for path in folder.glob("*.json"):
            if path.stat().st_size > _MAX_BYTES:
                raise ValueError(f"{path.name} has more than {_MAX_BYTES >> 20} MiB")
        _check_classes(json.loads((folder / "features.json").read_text(encoding="utf-8")))
        builder = tfds.builder_from_directory(folder)
        for split in builder.info.splits.values():
            if len(split.shard_lengths) > _MAX_SHARDS:
                raise ValueError(f"it has more than {_MAX_SHARDS:,} files")
            if not all(Path(path).parent == folder for path in split.filepaths):
                raise ValueError("its files lie elsewhere")
            if not all(length >= 0 for length in split.shard_lengths):
                raise ValueError("a file holds less than nothing")
        if not isinstance(builder.info.metadata, dict | None):
            raise ValueError("metadata.json holds no object")
        return builder
    except Exception as error:  # a damaged folder can raise a dozen types
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{folder}: cannot be read ({reason}); prepare the corpus anew.") from None


def _check_classes(features) -> None:
    """Raise `ValueError` if features.json names a class that is not TFDS' own."""
    if not isinstance(features, dict) or not features.keys() & {"type", "pythonClassName"}:
        raise ValueError("features.json names no class")
    waiting = [features]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            for key, allowed in _NAMES.items():
                name = node.get(key)
                if isinstance(name, str) and not allowed.fullmatch(name):
                    raise ValueError(f"features.json names {name[:80]!r}")
            waiting += node.values()
