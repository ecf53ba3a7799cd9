"""What commands share: their help, one line for a user's mistake, an end at Ctrl-C and SIGTERM."""

import contextlib
import importlib
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

from absl import flags

from data_pipelines.errors import DataError

EXIT_ERROR, EXIT_USAGE = 1, 2

SHARED = {
    "--plugins=my_parts": "modules to import first, for what they register (docs/extending.md)",
}
"""What every command takes, and what it means."""

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_MAX_LINE = 1000  # letters of a message; some quote what they refuse
_WIDTH, _HELP_COLUMN = 100, 34
_HELP = ("--help", "-help", "-h", "--helpfull")


def run(
    main: Callable[[flags.FlagValues], int | None],
    define_flags: Callable[[flags.FlagValues], None],
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parse the command line of a command of this package, call `main`, exit with its status.

    Bad data, and a disk that refuses, are one line on standard error and status 1, a wrong command
    line is status 2; Ctrl-C and SIGTERM end the process at once.
    """
    argv, values = list(sys.argv if argv is None else argv), flags.FlagValues()
    program, is_process = program_name(argv[0]), argv == sys.argv
    try:
        argv = import_plugins(argv)
        define_flags(values)
        if asks_for_help(argv):
            print(help_text(program, main, values, {"This command:": own_flags(values)}, SHARED))
            sys.exit(0)
        if positional := values(argv)[1:]:
            raise flags.Error(f"unexpected argument {positional[0]!r}: flags are --name=value")
    except (flags.Error, DataError) as error:
        fail(f"{program}: {one_line(error)} (--help lists the flags)", EXIT_USAGE)
    if is_process:
        end_at_signals(program)
    try:
        sys.exit(main(values))
    except (DataError, OSError) as error:
        fail(f"{program}: {one_line(error)}", EXIT_ERROR)


def import_plugins(argv: Sequence[str]) -> list[str]:
    """Import the modules of --plugins, also from the working directory; returns the other flags.

    Raises:
      DataError: there is no such module.
    """
    given = [argument for argument in argv if argument.startswith("--plugins=")]
    for argument in given:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        sys.path.insert(0, os.getcwd())
        for name in filter(None, argument.partition("=")[2].split(",")):
            try:
                with quiet_stderr():
                    importlib.import_module(name)
            except ModuleNotFoundError as error:
                raise DataError(f"{argument}: there is no module {error.name!r}") from None
    return [argument for argument in argv if argument not in given]


def end_at_signals(program: str, clean_up: Callable[[], None] = lambda: None) -> None:
    """From now on SIGINT and SIGTERM clean up and end this process: one line, status 128 + number.

    Nothing is raised: libraries in C++ may lose an exception, or crash on it.
    """

    def end(number, frame):
        clean_up()
        with contextlib.suppress(AttributeError, OSError, RuntimeError, ValueError):
            sys.stdout.flush()  # it may be None, closed, or in the middle of being written to
        bars = getattr(getattr(sys.modules.get("tqdm"), "tqdm", None), "_instances", ())
        with contextlib.suppress(OSError):
            line = f"{program}: {_WORDS[number]}\n"
            os.write(_STDERR, (f"\n{line}" if len(bars) else line).encode())
        os._exit(128 + number)

    with contextlib.suppress(ValueError):  # not the main thread, where no handler can be set
        for number in _WORDS:
            signal.signal(number, end)


def program_name(argv0: str) -> str:
    """How the user started this program: `python -m package.module` or the script's name."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name.removesuffix('.__main__')}" if spec else os.path.basename(argv0)


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether a command line, program name first, asks what there is to ask for."""
    return any(argument in _HELP for argument in before_dashes(argv)[1:])


def own_flags(flag_values: flags.FlagValues, without: str = "absl.") -> list[str]:
    """Names of the flags that a command defines, in order: not absl's, nor those of `without`."""
    return [
        flag.name
        for module, defined in flag_values.flags_by_module_dict().items()
        if not module.startswith(("absl.", without))
        for flag in defined
    ]


def before_dashes(argv: Sequence[str]) -> Sequence[str]:
    """The arguments before `--`, which ends the flags."""
    return argv[: argv.index("--")] if "--" in argv else argv


def help_text(
    program: str,
    main: Callable,
    flag_values: flags.FlagValues,
    groups: dict[str, Iterable[str]],
    shared: dict[str, str] | None = None,
) -> str:
    """What `--help` prints: the docstring of `main`'s module and the flags, with their defaults.

    `groups` are titles -> names of flags, `shared` what every command takes -> what it means.
    """
    parts = [(main.__globals__["__doc__"] or "").strip(), f"Usage: {program} [--name=value]"]
    for title, names in groups.items():
        if lines := [_flag_lines(flag_values[name]) for name in names]:
            parts.append("\n".join([title, *lines]))
    rows = (shared or {}) | {"--help": "this text"}
    parts.append("\n".join(["Every command:", *(_row(*row) for row in rows.items())]))
    return "\n\n".join(part for part in parts if part)


def one_line(error: Exception) -> str:
    """An error in one line, with the name of the file if there is one."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return " ".join(str(error).split())[:_MAX_LINE] or type(error).__name__


def fail(line: str, status: int) -> NoReturn:
    """Print a line on standard error and exit."""
    print(line, file=sys.stderr)
    sys.exit(status)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2: TensorFlow's notices at import heed no setting."""
    if sys.stderr is None:  # it was closed at the start: 2 may be anything
        yield
        return
    global _STDERR
    sys.stderr.flush()
    _STDERR = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(_STDERR, 2)
        os.close(_STDERR)
        _STDERR = 2


_STDERR = 2
"""Where standard error goes, also while `quiet_stderr` keeps others from it."""


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
