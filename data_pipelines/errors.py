"""The one exception that this package raises for bad data or bad options, and common checks."""

import contextlib
from collections.abc import Iterator


class DataError(ValueError):
    """Data or an option that cannot be used.

    The message is one line that names the file or option at fault and the way out, so that a
    command can print it as it is and exit with status 1.
    """


@contextlib.contextmanager
def damage_named(what: str, way_out: str = "") -> Iterator[None]:
    """Turn what libraries raise for a damaged file, any of a dozen types, into one `DataError`.

    Its line is `what`, the reason, and the way out.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        reason = getattr(error, "strerror", None) or text
        raise DataError(f"{what} ({reason}){way_out and f'; {way_out}'}.") from None


def require_at_least(name: str, value: int, least: int) -> None:
    """Raise `DataError` unless `value` is an integer (no bool) of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DataError(f"{name} is {value!r}; give an integer of at least {least}.")


def require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `DataError` unless `value` is one of the choices."""
    if value not in choices:
        raise DataError(f"{name} is {value!r}; choose one of: {', '.join(choices)}.")
