"""What a golden check reports: the largest error of a quantity, and what is allowed."""

from typing import NamedTuple

import numpy as np


class Tolerance(NamedTuple):
    """Largest relative errors allowed in float64 and in float32; None: not judged."""

    float64: float | None
    float32: float | None


class Row(NamedTuple):
    """One line of the report: errors in both precisions, each None where there is none."""

    quantity: str
    float64: float | None
    float32: float | None
    tolerance: Tolerance

    @property
    def passed(self):
        """Whether every judged error is within its tolerance (NaN is not)."""
        pairs = zip((self.float64, self.float32), self.tolerance, strict=True)
        return all(error <= limit for error, limit in pairs if None not in (error, limit))

    def __str__(self):
        def column(error, limit):
            if error is None:
                return f"{'-':>9} {'':10}"
            bound = "" if limit is None else f"(<={limit:.0e})"
            return f"{error:9.2e} {bound:10}"

        errors = (self.float64, self.float32)
        columns = "  ".join(column(*pair) for pair in zip(errors, self.tolerance, strict=True))
        return f"{self.quantity:44} {columns} {'ok' if self.passed else 'FAILED'}"


def relative_error(value, expected):
    """Largest absolute difference over the largest absolute value; inf if the shapes differ."""
    value, expected = np.asarray(value, np.float64), np.asarray(expected, np.float64)
    if value.shape != expected.shape:
        return np.inf
    scale = np.max(np.abs(expected), initial=0.0)
    difference = np.max(np.abs(value - expected), initial=0.0)
    return float(difference / scale if scale > 0 else difference)


def rows_of(errors, golden, tolerance):
    """Rows of all that `errors(golden, precision)` yields: (quantity, relative error).

    `tolerance` gives the `Tolerance` of a quantity.
    """
    found = {precision: dict(errors(golden, precision)) for precision in ("float64", "float32")}
    return [
        Row(name, error, found["float32"][name], tolerance(name))
        for name, error in found["float64"].items()
    ]
