"""Looks at a flagfile, and at those that it names, before absl reads them."""

import os
from pathlib import Path

from srvp_tf.errors import UserError
from srvp_tf.paths import local_path

_MAX_BYTES = 1 << 20  # the longest that is shipped has 1,000
_MAX_LINE = 1000
_MAX_OPTION = 100
_MAX_FILES = 100


def check_flagfile(path: str | os.PathLike, name: str | None = None) -> None:
    """Raise `UserError` unless a flagfile is a small text, and so is every one that it names.

    A line `--flagfile=/dev/zero` would fill the memory.

    Args:
      path: the file.
      name: what the user called it; None: `path`.
    """
    waiting, seen = [(Path(path), str(name or path))], set()
    while waiting:
        path, name = waiting.pop()
        lines = _lines(path, name)
        seen.add(path)
        if len(seen) > _MAX_FILES:
            raise UserError(f"--flagfile={name}: more than {_MAX_FILES} flagfiles in a row")
        for line in lines:
            option, _, value = line.strip().lstrip("-").partition("=")
            if line.strip().startswith("-") and len(option) > _MAX_OPTION:
                # absl looks for similar names, letter by letter, one call deeper each.
                raise UserError(f"--flagfile={name}: no flag has the name {option[:40]}...")
            if option.strip() == "flagfile" and value.strip():
                nested = local_path(value.strip())
                if nested not in seen:
                    waiting.append((nested, str(nested)))


def _lines(path: Path, name: str) -> list[str]:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UserError(f"--flagfile={name}: no file")
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        lines = content.decode("utf-8").splitlines()
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
