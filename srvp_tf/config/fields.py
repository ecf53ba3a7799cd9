"""Declare a configuration field once (default, help, choices, bounds) and hold values to it."""

import dataclasses
import json
import math
import os
from collections.abc import Collection
from typing import Any

from srvp_tf.errors import UserError

MAX_TEXT_BYTES = 1 << 20
"""Of a configuration's file, which has some 2,000: parsed, JSON can take 60 times as much."""

_MAX_INTEGER = 2**31 - 1  # what TensorFlow takes for sizes and counts
_SHOWN = 80
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
    is_path: bool = False,
    models: tuple = (),
    since: int = 1,
) -> Any:
    """A dataclass field with the metadata that flags, `--help` and the checks are made from.

    Args:
      default: value when nothing is said.
      help: meaning in one line, with its unit.
      choices: the values allowed; empty for any.
      minimum: smallest value allowed.
      maximum: largest value allowed; an int is at most 2**31 - 1 in any case.
      above: bound that the value must exceed.
      words: words that may be given for numbers, in flags.
      is_path: whether it is a file or folder of the user's, see `srvp_tf.config.corpora`.
      models: those of the package's models that have the setting; empty for all.
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
        "is_path": is_path,
        "models": models,
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

    @classmethod
    def has_setting(cls, name: str, model: str) -> bool:
        """Whether a model has a setting; one that no field names may have any."""
        models = {spec.name: spec.metadata["models"] for spec in dataclasses.fields(cls)}
        return (
            not models[name] or model in models[name] or model not in set().union(*models.values())
        )

    def check_model(self, model: str) -> None:
        """Raise `UserError` if a setting was changed that `model` does not have."""
        for spec in dataclasses.fields(self):
            value = getattr(self, spec.name)
            if value != spec.default and not self.has_setting(spec.name, model):
                raise UserError(
                    f"{describe_setting(spec.name, value)} is no setting of --model={model}: leave "
                    "it out"
                )


def describe_setting(name: str, value: Any) -> str:
    """The setting as the user would type it, `--name=value`."""
    text = str(value).lower() if isinstance(value, bool) else value
    return f"--{name}={shown(text)}"


def shown(value: Any) -> str:
    """A value for a message: cut where it is long."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def read_text(path: str | os.PathLike) -> str:
    """The content of a small text file; `UserError` if it is larger, or no file."""
    with open(path, "rb") as file:
        if not os.path.isfile(path):
            raise UserError(f"{path} is no file: restore it")
        content = file.read(MAX_TEXT_BYTES + 1)
    if len(content) > MAX_TEXT_BYTES:
        raise UserError(f"{path} has more than {MAX_TEXT_BYTES >> 20} MiB: it is no configuration")
    return content.decode("utf-8")


def parse_json(text: str, source: str | os.PathLike) -> Any:
    """What a JSON text holds; `UserError` that names `source` if it is broken."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}: broken JSON: {shown(error)}") from None


def check_keys(mapping: Any, expected: Collection[str], place: str) -> None:
    """Raises `UserError` unless `mapping` is a dict with exactly the `expected` keys."""
    if not isinstance(mapping, dict):
        raise UserError(f"{place}: expected a JSON object, found {type(mapping).__name__}")
    if unknown := sorted(mapping.keys() - set(expected)):
        keys = shown(", ".join(unknown))
        raise UserError(f"{place}: unknown key {keys}: remove it or check its name")
    if missing := [key for key in expected if key not in mapping]:
        raise UserError(f"{place}: missing key {', '.join(missing)}: put it back")


def _checked(spec: dataclasses.Field, value: Any) -> bool | float | str:
    value = _typed(spec, value)
    setting, limits = describe_setting(spec.name, value), spec.metadata
    if limits["choices"] and value not in limits["choices"]:
        raise UserError(f"{setting} must be one of {', '.join(map(str, limits['choices']))}")
    if limits["minimum"] is not None and value < limits["minimum"]:
        raise UserError(f"{setting} must be at least {limits['minimum']}")
    most = limits["maximum"]
    if most is None and spec.type is int:
        most = _MAX_INTEGER
    if most is not None and value > most:
        raise UserError(f"{setting} must be at most {most}")
    if limits["above"] is not None and value <= limits["above"]:
        raise UserError(f"{setting} must be greater than {limits['above']}")
    return value


def _typed(spec: dataclasses.Field, value: Any) -> bool | float | str:
    if spec.type is float and type(value) is int:
        # An int beyond the range of float64 is as useless as an infinite float.
        value = float(value) if abs(value) < 2**1023 else math.inf
    if type(value) is not spec.type:
        raise UserError(f"--{spec.name}={_repr(value)} must be {_TYPE_NAMES[spec.type]}")
    if spec.type is str and not _is_text(value):
        raise UserError(
            f"--{spec.name}={value!r} must be text of UTF-8, without control characters"
        )
    if spec.type is float and not math.isfinite(value):
        raise UserError(f"{describe_setting(spec.name, value)} must be finite")
    return value


def _repr(value: Any) -> str:
    try:
        return shown(repr(value))
    except (RecursionError, ValueError):  # nested, or of more digits than Python prints
        return type(value).__name__


def _is_text(value: str) -> bool:
    """Whether a text can be saved, and be part of a path: from a file or argument it may not be."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return not any(ord(character) < 32 for character in value)
