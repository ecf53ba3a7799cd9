"""Reads flagfiles, and those that they name, into arguments for absl."""

import os
from collections.abc import Iterator
from pathlib import Path

from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError

_MAX_BYTES = 1 << 20  # the longest that is shipped has 1,000
_MAX_LINE = 1000
_MAX_OPTION = 100
_MAX_FILES = 100


def read_flagfile(path: str | os.PathLike, name: str | None = None) -> list[str]:
    """The arguments in a flagfile, those of the files that it names in their place.

    absl's own reader takes a byte-order mark for a part of the first flag, and a line
    `--flagfile=/dev/zero` would fill the memory.

    Args:
      path: the file: a small text of UTF-8, one argument a line. `#` and `//` begin comments.
      name: what the user called it; None: `path`.

    Raises:
      UserError: it, or one that it names, cannot be read as such, or names itself.
    """
    return list(_arguments(Path(path), str(name or path), (), []))


def _arguments(path: Path, name: str, outer: tuple[Path, ...], opened: list) -> Iterator[str]:
    if path in outer:
        raise UserError(f"--flagfile={name}: names itself")
    opened.append(path)
    if len(opened) > _MAX_FILES:
        raise UserError(f"--flagfile={name}: more than {_MAX_FILES} flagfiles in a row")
    for line in map(str.strip, _lines(path, name)):
        if not line or line.startswith(("#", "//")):
            continue
        option, _, value = (part.strip() for part in line.lstrip("-").partition("="))
        if line.startswith("-") and len(option) > _MAX_OPTION:
            # absl looks for similar names, letter by letter, one call deeper each.
            raise UserError(f"--flagfile={name}: no flag has the name {option[:40]}...")
        if line.startswith("-") and option == "flagfile":
            if not value:
                raise UserError(f"--flagfile={name}: a line {line} without the name of a file")
            nested = local_path(value)
            yield from _arguments(nested, str(nested), (*outer, path), opened)
        else:
            yield line


def _lines(path: Path, name: str) -> list[str]:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UserError(f"--flagfile={name}: no file")
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        lines = content.decode("utf-8-sig").splitlines()  # Windows' editors begin with a mark
    except OSError as error:
        raise UserError(f"--flagfile={name}: {error.strerror}") from None
    except ValueError:  # no text, or a name that cannot be one
        raise UserError(f"--flagfile={name}: not a text file of flags") from None
    if len(content) > _MAX_BYTES or "\0" in content.decode("utf-8"):
        raise UserError(f"--flagfile={name}: not a text file of flags")
    for number, line in enumerate(lines, start=1):
        if len(line) > _MAX_LINE:
            raise UserError(f"--flagfile={name}: line {number} has more than {_MAX_LINE} letters")
    return lines
