"""The text of `--help`: a command's own flags first, then the configuration's, by section."""

import dataclasses
import os
import sys
import textwrap
from collections.abc import Callable, Iterator

from absl import flags

from srvp_tf.config import SECTIONS

_WIDTH = 100
_HELP_COLUMN = 34
_FLAGFILE = {
    "--flagfile=configs/smmnist.cfg": "flags from a file, one a line; the later of two wins",
}
_SHARED = {
    "--help": "this text",
    "--version": "the version of srvp-tf",
}


def program_name(argv0: str) -> str:
    """How the user started this program: `python -m package.module` or the script's name."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name}" if spec else os.path.basename(argv0)


def help_text(program: str, main: Callable, flag_values: flags.FlagValues) -> str:
    """What `--help` prints: the docstring of `main`'s module and every flag with its default."""
    parts = [
        (main.__globals__["__doc__"] or "").strip(),
        f"Usage: {program} [--name=value]",
    ]
    for title, names in _groups(flag_values):
        lines = (_flag_lines(flag_values[name]) for name in names if name in flag_values)
        if body := "\n".join(lines):
            parts.append(f"{title}\n{body}")
    is_configured = "srvp_tf.config.flags" in flag_values.flags_by_module_dict()
    rows = (_FLAGFILE if is_configured else {}) | _SHARED
    shared = "\n".join(_row(head, text) for head, text in rows.items())
    parts.append(f"Every command:\n{shared}")
    return "\n\n".join(part for part in parts if part)


def _groups(flag_values: flags.FlagValues) -> Iterator[tuple[str, list[str]]]:
    sections = {
        section.__doc__: [spec.name for spec in dataclasses.fields(section)]
        for section in SECTIONS.values()
    }
    # A command may define a flag of its own under the name of a setting, with another default.
    own, configured = [], set()
    for module, defined in flag_values.flags_by_module_dict().items():
        if module == "srvp_tf.config.flags":
            configured = {flag.name for flag in defined}
        elif not module.startswith("absl."):
            own += [flag.name for flag in defined]
    yield "This command:", own
    for title, names in sections.items():
        yield title, [name for name in names if name in configured]


def _flag_lines(flag: flags.Flag) -> str:
    default = "" if flag.default is None else flag.default_as_str.strip("'")
    return _row(f"--{flag.name}={default}", flag.help)


def _row(head: str, text: str) -> str:
    head = f"  {head}".ljust(_HELP_COLUMN)
    lines = textwrap.wrap(text, _WIDTH - _HELP_COLUMN)
    if not head.endswith(" "):
        lines.insert(0, "")
    indent = "\n" + " " * _HELP_COLUMN
    return head + indent.join(lines)
