"""The one exception that this package raises for bad data or bad options."""

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
