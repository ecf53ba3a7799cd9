"""The text of `--help`: a command's own flags first, then the configuration's, by section."""

import dataclasses
from collections.abc import Callable

from absl import flags

from srvp_tf.config import SECTIONS
from srvp_tf.config.corpora import command_line

_CONFIGURED = "srvp_tf.config.flags"  # the module that defines a flag for each setting
_FLAGFILE = {
    "--flagfile=configs/smmnist.cfg": "flags from a file, one a line; the later of two wins",
}
_SHARED = command_line.SHARED | {"--version": "the version of srvp-tf"}


def help_text(program: str, main: Callable, flag_values: flags.FlagValues) -> str:
    """What `--help` prints: the docstring of `main`'s module and every flag with its default."""
    configured = {flag.name for flag in flag_values.flags_by_module_dict().get(_CONFIGURED, ())}
    groups = {"This command:": command_line.own_flags(flag_values, without=_CONFIGURED)}
    for section in SECTIONS.values():
        names = (spec.name for spec in dataclasses.fields(section))
        groups[section.__doc__] = [name for name in names if name in configured]
    shared = (_FLAGFILE if configured else {}) | _SHARED
    return command_line.help_text(program, main, flag_values, groups, shared)
