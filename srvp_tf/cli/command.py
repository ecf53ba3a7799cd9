"""What every `python -m srvp_tf.X` shares: flags in, one clear line out when the user erred."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from absl import flags

from srvp_tf._version import __version__
from srvp_tf.config import SECTIONS
from srvp_tf.config.corpora import command_line, local_path
from srvp_tf.config.fields import shown
from srvp_tf.config.shipped import shipped_configs
from srvp_tf.config.tensorflow_start import require_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.runs.atomic_files import remove_unfinished

Main = Callable[[flags.FlagValues], int | None]

_CONFIGURED = "srvp_tf.config.flags"  # the module that defines a flag for each setting
_FLAGFILE = {
    "--flagfile=configs/smmnist.cfg": "flags from a file, one a line; the later of two wins",
}
_SHARED = command_line.SHARED | {"--version": "the version of srvp-tf"}


def run(
    main: Main,
    argv: Sequence[str] | None = None,
    flag_values: flags.FlagValues = flags.FLAGS,
    default_flagfile: str | None = None,
    define_flags: Callable[[flags.FlagValues], None] | None = None,
) -> NoReturn:
    """Parses the command line, calls `main(flag_values)` and exits.

    A user's mistake (`UserError`, a wrong flag, a file or disk that refuses) is one line on
    standard error. Any other exception is a bug and keeps its traceback.
    In a process of its own, Ctrl-C and SIGTERM end it at once, with what is half written deleted,
    unless `main` has handlers of its own.

    Args:
      main: the command; what it returns is the exit status, None for 0.
      argv: program name and arguments; None for this process' own.
      flag_values: where the command's flags are defined, and its values end up.
      default_flagfile: a flagfile that is read before the arguments.
      define_flags: defines the command's flags, in values of their own instead of `flag_values`:
        the process may have run a command before.

    Raises:
      SystemExit: always, unless `main` has a bug. 1 after an error, 2 if the command line itself
        is wrong, 130 when interrupted, 143 when terminated.
    """
    owns_process = argv is None and not hasattr(sys, "ps1")
    argv = list(sys.argv if argv is None else argv)
    program = command_line.program_name(argv[0])
    try:
        argv = command_line.import_plugins(argv)
        if define_flags is not None:
            flag_values = flags.FlagValues()
            define_flags(flag_values)
        if default_flagfile:
            argv.insert(1, f"--flagfile={default_flagfile}")
        if command_line.asks_for_help(argv):
            if default_flagfile:
                _take_as_defaults(default_flagfile, flag_values)
            sys.exit(_ended(0, _help_text(program, main, flag_values)))
        if "--version" in command_line.before_dashes(argv)[1:] and "version" not in flag_values:
            sys.exit(_ended(0, f"srvp-tf {__version__}"))
        _parse(argv, flag_values)
    except (flags.Error, ValueError, OSError, RecursionError) as error:  # absl compares names
        line = f"{program}: {command_line.one_line(error)} (--help lists the flags)"
        command_line.fail(line, command_line.EXIT_USAGE)
    if owns_process:
        command_line.end_at_signals(program, remove_unfinished)
    try:
        require_tensorflow()
        sys.exit(_ended(main(flag_values)))
    except KeyboardInterrupt:
        command_line.fail(f"{program}: interrupted", 130)
    except (UserError, OSError) as error:
        _ended(1)
        command_line.fail(f"{program}: {command_line.one_line(error)}", command_line.EXIT_ERROR)


def resolve_flagfile(name: str) -> str:
    """The path of flagfile `name`: that file if it exists, else the shipped config of that name.

    Only `kth.cfg` and `configs/kth.cfg` mean a shipped config; any other folder must exist. Raises
    `UserError` if there is neither.
    """
    path = local_path(name)
    if not path.exists():
        shipped = shipped_configs()
        if path.name not in shipped or str(path.parent) not in (".", "configs"):
            raise UserError(
                f"--flagfile={name}: no such file; shipped with srvp_tf: {', '.join(shipped)}"
            )
        path = shipped[path.name]
    if not path.is_file():
        raise UserError(f"--flagfile={name}: no file")
    return str(path)


def _parse(argv: list[str], flag_values: flags.FlagValues) -> None:
    arguments = [argv[0], *_with_flagfiles_found(argv[1:])]
    try:
        positional = flag_values(arguments)[1:]
    except UnicodeDecodeError:
        raise UserError("--flagfile: not a text file of flags") from None
    if positional:
        raise UserError(
            f"unexpected argument {positional[0]!r}: settings are given as --name=value"
        )
    for name in flag_values:
        value = flag_values[name].value
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise UserError(f"--{name}={shown(value)} is beyond the integers of 64 bits")


def _with_flagfiles_found(arguments: list[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            yield argument
            yield from rest
        elif name not in ("--flagfile", "-flagfile"):
            yield argument
        else:
            value = value if equals else next(rest, "")
            if not value:
                raise UserError("--flagfile needs the name of a file")
            yield f"--flagfile={resolve_flagfile(value)}"


def _take_as_defaults(flagfile: str, flag_values: flags.FlagValues) -> None:
    """Make the settings of a flagfile the defaults that `--help` shows."""
    _parse(["help", f"--flagfile={flagfile}"], flag_values)
    for name in list(flag_values):
        if flag_values[name].present and name != "flagfile":
            flag_values.set_default(name, flag_values[name].value)


def _help_text(program: str, main: Main, flag_values: flags.FlagValues) -> str:
    """A command's own flags first, then the configuration's, by section."""
    configured = {flag.name for flag in flag_values.flags_by_module_dict().get(_CONFIGURED, ())}
    groups = {"This command:": command_line.own_flags(flag_values, without=_CONFIGURED)}
    for section in SECTIONS.values():
        names = (spec.name for spec in dataclasses.fields(section))
        groups[section.__doc__] = [name for name in names if name in configured]
    shared = (_FLAGFILE if configured else {}) | _SHARED
    return command_line.help_text(program, main, flag_values, groups, shared)


def _ended(status: int | None, last_words: str = "") -> int:
    """The exit status, after standard output has been written to its end."""
    try:
        if sys.stdout is not None:
            print(last_words, end="\n" if last_words else "", flush=True)
    except OSError as error:  # Python would try again, and print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and not status:  # `| head` has read enough
            print(f"standard output: {error.strerror}", file=sys.stderr)
            status = command_line.EXIT_ERROR
    return status or 0
