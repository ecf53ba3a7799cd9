"""Paths that a user gives, in flags and as arguments: `~` is a home folder, addresses are refused.

local_path("~/videos")        /home/me/videos
local_path("gs://bucket/x")   DataError: nothing here reads or writes anywhere but local files
"""

import os
import re
from pathlib import Path

from absl import flags

from data_pipelines.errors import DataError

flags.disclaim_key_flags()  # a flag belongs to the module that calls `define_path`

# `Path` makes gs:/bucket of gs://bucket.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def local_path(path: str | os.PathLike) -> Path:
    """The local file or folder that a user means; an absolute path, or one below `./`, is itself.

    Raises:
        DataError: it is an address (gs://, s3://, http://, file://), or in the home of no user.
    """
    text = os.fsdecode(path)
    if _ADDRESS.match(text):
        raise DataError(
            f"{text}: is an address, not a local path; copy or mount what is there, and give the "
            "path of that file or folder."
        )
    expanded = os.path.expanduser(text)
    if expanded.startswith("~") and not os.path.lexists(expanded):
        raise DataError(f"{text}: there is no such user; give the whole path, or ./{text}.")
    found = Path(expanded)
    # `Path` drops the ./ that keeps a name from being more than a name.
    is_more = str(found).startswith("~") or _ADDRESS.match(str(found))
    return found.absolute() if is_more else found


def define_path(
    name: str,
    default: str | None,
    help: str,
    flag_values: flags.FlagValues = flags.FLAGS,
    *,
    required: bool = False,
) -> flags.FlagHolder:
    """Define a flag whose value is a `local_path` as text; "" stays as it is."""
    parser, serializer = _PathParser(), flags.ArgumentSerializer()
    return flags.DEFINE(parser, name, default, help, flag_values, serializer, required=required)


def define_paths(
    name: str, default: list[str], help: str, flag_values: flags.FlagValues = flags.FLAGS
) -> flags.FlagHolder:
    """Define a flag whose value is a list of such paths, given with commas between."""
    parser, serializer = _PathsParser(), flags.CsvListSerializer(",")
    return flags.DEFINE(parser, name, default, help, flag_values, serializer)


class _PathParser(flags.ArgumentParser):
    def parse(self, argument: str) -> str:
        return str(local_path(argument)) if argument else argument

    def flag_type(self) -> str:
        return "path"


class _PathsParser(flags.ListParser):
    def parse(self, argument: str | list[str]) -> list[str]:
        return [str(local_path(path)) for path in super().parse(argument) if path]
