"""Declare a configuration field once (default, help, choices, bounds) and hold values to it."""

import dataclasses
import math
from collections.abc import Collection
from typing import Any

from srvp_tf.errors import UserError

_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def field(
    default: bool | float | str,
    help: str,
    *,
    choices: tuple = (),
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    words: dict[str, int] | None = None,
    since: int = 1,
) -> Any:
    """A dataclass field with the metadata that flags, `--help` and the checks are made from.

    Args:
      default: value when nothing is said.
      help: meaning in one line, with its unit.
      choices: the values allowed; empty for any.
      minimum: smallest value allowed.
      maximum: largest value allowed.
      above: bound that the value must exceed.
      words: words that may be given for numbers, in flags.
      since: format version from which on saved configurations have the field; the default must mean
        what was done before.
    """
    metadata = {
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "above": above,
        "words": words or {},
        "since": since,
    }
    return dataclasses.field(default=default, metadata=metadata)


class Section:
    """Base of the configuration dataclasses: checks every field when an instance is made.

    Raises `UserError` that names the flag, its value and what is allowed. Types are strict, except
    that an int given for a float becomes that float.
    """

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            # Sections are frozen; an int given for a float must still compare equal after a reload.
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))


def describe(name: str, value: Any) -> str:
    """The setting as the user would type it, `--name=value`."""
    text = str(value).lower() if isinstance(value, bool) else value
    return f"--{name}={text}"


def check_keys(mapping: Any, expected: Collection[str], place: str) -> None:
    """Raises `UserError` unless `mapping` is a dict with exactly the `expected` keys."""
    if not isinstance(mapping, dict):
        raise UserError(f"{place}: expected a JSON object, found {type(mapping).__name__}")
    if unknown := sorted(mapping.keys() - set(expected)):
        raise UserError(f"{place}: unknown key {', '.join(unknown)}: remove it or check its name")
    if missing := [key for key in expected if key not in mapping]:
        raise UserError(f"{place}: missing key {', '.join(missing)}: put it back")


def _checked(spec: dataclasses.Field, value: Any) -> bool | float | str:
    value = _typed(spec, value)
    setting, limits = describe(spec.name, value), spec.metadata
    if limits["choices"] and value not in limits["choices"]:
        raise UserError(f"{setting} must be one of {', '.join(map(str, limits['choices']))}")
    if limits["minimum"] is not None and value < limits["minimum"]:
        raise UserError(f"{setting} must be at least {limits['minimum']}")
    if limits["maximum"] is not None and value > limits["maximum"]:
        raise UserError(f"{setting} must be at most {limits['maximum']}")
    if limits["above"] is not None and value <= limits["above"]:
        raise UserError(f"{setting} must be greater than {limits['above']}")
    return value


def _typed(spec: dataclasses.Field, value: Any) -> bool | float | str:
    if spec.type is float and type(value) is int:
        # An int beyond the range of float64 is as useless as an infinite float.
        value = float(value) if abs(value) < 2**1023 else math.inf
    if type(value) is not spec.type:
        raise UserError(f"--{spec.name}={value!r} must be {_TYPE_NAMES[spec.type]}")
    if spec.type is float and not math.isfinite(value):
        raise UserError(f"{describe(spec.name, value)} must be finite")
    return value
