"""What every `python -m data_pipelines.X` shares: flags in, one clear line out on an error."""

import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import flags

from data_pipelines.errors import DataError

_MAX_LINE = 1000  # letters of a message; some quote what they refuse


def run(main: Callable[[flags.FlagValues], int], flag_values: flags.FlagValues) -> NoReturn:
    """Parse the command line, call `main(flag_values)` and exit with what it returns.

    Exit status: 1 after a `DataError`, or a file or disk that refuses; 2 for a wrong command line;
    130 when interrupted, 143 when terminated. Each is one line on standard error.
    """
    program = f"python -m {sys.modules['__main__'].__spec__.name}"
    if {"--help", "-h", "-help", "--helpfull"} & set(sys.argv[1:]):
        print(f"{sys.modules[main.__module__].__doc__}\nUsage: {program} [--name=value]\n")
        print(flag_values.get_help(include_special_flags=False))
        sys.exit(0)
    try:
        positional = flag_values(sys.argv)[1:]
    except (flags.Error, ValueError, OSError, RecursionError) as error:  # absl compares names
        _fail(f"{program}: {_one_line(error)} (--help lists the flags)", 2)
    if positional:
        _fail(f"{program}: unexpected argument {positional[0]!r}: give --name=value", 2)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = main(flag_values)
    except _Terminated:
        _fail(f"{program}: terminated", 143)
    except KeyboardInterrupt:
        _fail(f"{program}: interrupted", 130)
    except (DataError, OSError) as error:
        _fail(f"{program}: {_one_line(error)}", 1)
    sys.exit(status)


class _Terminated(BaseException):
    """SIGTERM, as an exception: whatever is half done is cleared away."""


def _terminate(*_) -> NoReturn:
    # A second one must not interrupt the clearing away.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}"
    return " ".join(str(error).split())[:_MAX_LINE] or type(error).__name__


def _fail(line: str, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)
