"""What every `python -m srvp_tf.X` shares: flags in, one clear line out when the user erred."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from absl import flags

from srvp_tf._version import __version__
from srvp_tf.cli import usage
from srvp_tf.cli.flagfiles import read_flagfile
from srvp_tf.cli.interruption import Interruption, Terminated
from srvp_tf.config.corpora import local_path
from srvp_tf.config.fields import shown
from srvp_tf.config.shipped import shipped_configs
from srvp_tf.config.tensorflow_start import require_tensorflow
from srvp_tf.errors import UserError

EXIT_ERROR = 1
EXIT_USAGE = 2

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}

_MAX_LINE = 1000  # letters of a message; some quote what they refuse

Main = Callable[[flags.FlagValues], int | None]


def run(
    main: Main,
    argv: Sequence[str] | None = None,
    flag_values: flags.FlagValues = flags.FLAGS,
    default_flagfile: str | None = None,
    ends_process: bool | None = None,
    is_crash_safe: bool = False,
    define_flags: Callable[[flags.FlagValues], None] | None = None,
) -> NoReturn:
    """Parses the command line, calls `main(flag_values)` and exits.

    A user's mistake (`UserError`, `data_pipelines.DataError`, a wrong flag, a file or disk that
    refuses) is one line on standard error. Any other exception is a bug and keeps its traceback.

    Args:
      main: the command; what it returns is the exit status, None for 0.
      argv: program name and arguments; None for this process' own.
      flag_values: where the command's flags are defined, and its values end up.
      default_flagfile: a flagfile that is read before the arguments.
      ends_process: whether the process ends with the command; None: if its arguments are its own
        and it is no notebook.
      is_crash_safe: whether a signal that `main` does not handle may end the process at once, with
        its temporary files deleted and nothing else done.
      define_flags: defines the command's flags, in values of their own instead of `flag_values`:
        the process may have run a command before.

    Raises:
      SystemExit: always, unless `main` has a bug. 1 after an error, 2 if the command line itself
        is wrong, 130 when interrupted, 143 when terminated.
    """
    if ends_process is None:
        ends_process = argv is None and not hasattr(sys, "ps1")
    if define_flags is not None:
        flag_values = flags.FlagValues()
        define_flags(flag_values)
    _print_all_letters()
    argv = list(sys.argv if argv is None else argv)
    program = usage.program_name(argv[0])
    options = argv[: argv.index("--")] if "--" in argv else argv
    if default_flagfile:
        argv.insert(1, f"--flagfile={default_flagfile}")
    if any(option in ("--help", "-help", "-h", "--helpfull") for option in options[1:]):
        if default_flagfile:
            _take_as_defaults(default_flagfile, flag_values)
        sys.exit(_said(0, usage.help_text(program, main, flag_values)))
    if "--version" in options[1:] and "version" not in flag_values:
        sys.exit(_said(0, f"srvp-tf {__version__}"))
    try:
        _parse(argv, flag_values)
    except (flags.Error, ValueError, OSError, RecursionError) as error:  # absl compares names
        _fail(f"{program}: {_one_line(error)} (--help lists the flags)", EXIT_USAGE)
    last_words = {number: f"{program}: {word}" for number, word in _WORDS.items()}
    interruption = Interruption(ends_process, last_words if is_crash_safe else None)
    try:
        interruption.watch()
        require_tensorflow()
        status = _said(main(flag_values))
        # Workers of a group take leave of each other in a destructor.
        if is_crash_safe and "TF_CONFIG" not in os.environ:
            interruption.status = status
        sys.exit(status)
    except (Terminated, KeyboardInterrupt, Exception) as error:
        # C++ may turn what a signal raised into an error of its own.
        number = interruption.settle()
        if isinstance(error, KeyboardInterrupt):
            number = number or signal.SIGINT
        if number is not None:
            _fail(last_words[number], 128 + number)
        if not isinstance(error, _user_errors()):
            raise
        _fail(f"{program}: {_one_line(error)}", EXIT_ERROR)
    finally:
        interruption.release()


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
    return str(path)


def _parse(argv: list[str], flag_values: flags.FlagValues) -> None:
    positional = flag_values([argv[0], *_with_flagfiles_found(argv[1:])])[1:]
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
            yield from read_flagfile(resolve_flagfile(value), value)


def _take_as_defaults(flagfile: str, flag_values: flags.FlagValues) -> None:
    """Make the settings of a flagfile the defaults that `--help` shows."""
    _parse(["help", f"--flagfile={flagfile}"], flag_values)
    for name in list(flag_values):
        if flag_values[name].present and name != "flagfile":
            flag_values.set_default(name, flag_values[name].value)


def _print_all_letters() -> None:
    """Print letters that the terminal's encoding lacks as escapes, as standard error does."""
    with contextlib.suppress(AttributeError, ValueError):  # a notebook's, closed, or none
        if sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")


def _user_errors() -> tuple[type[Exception], ...]:
    # Whoever raised a DataError has loaded its module. Loading it here, to handle another error,
    # could start TensorFlow or fail in its turn.
    loaded = sys.modules.get("data_pipelines.errors")
    return (UserError, OSError, *((loaded.DataError,) if loaded else ()))


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return " ".join(str(error).split())[:_MAX_LINE] or type(error).__name__


def _fail(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(_said(status))


def _said(status: int | None, last_words: str = "") -> int:
    """The exit status, after standard output has been written to its end."""
    try:
        if sys.stdout is not None:
            print(last_words, end="\n" if last_words else "", flush=True)
    except OSError as error:  # Python would try again, and print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and not status:  # `| head` has read enough
            print(f"standard output: {error.strerror}", file=sys.stderr)
            status = EXIT_ERROR
    return status or 0
