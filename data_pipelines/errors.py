"""The one exception that this package raises for bad data or bad options."""


class DataError(ValueError):
    """Data or an option that cannot be used.

    The message is one line that names the file or option at fault and the way out, so that a
    command can print it as it is and exit with status 1.
    """
