"""Checks of the arguments that all corpora share; each failure is one line with the way out."""

from data_pipelines.errors import DataError


def require_at_least(name: str, value: int, least: int) -> None:
    """Raise `DataError` unless `value` is an integer (no bool) of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DataError(f"{name} is {value!r}; give an integer of at least {least}.")


def require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `DataError` unless `value` is one of the choices."""
    if value not in choices:
        raise DataError(f"{name} is {value!r}; choose one of: {', '.join(choices)}.")


def shard_rows(batch_size: int, shard: tuple[int, int]) -> range:
    """The rows of a global batch that shard (i, n) holds: the i-th of n equal parts."""
    index, count = shard
    require_at_least("batch_size", batch_size, 1)
    if not 0 <= index < count:
        raise DataError(f"shard is ({index}, {count}); give (i, n) with 0 <= i < n.")
    if batch_size % count:
        raise DataError(
            f"batch_size {batch_size} cannot be split over {count} shards; give a multiple."
        )
    rows = batch_size // count
    return range(index * rows, (index + 1) * rows)
