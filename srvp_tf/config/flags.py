"""Configuration dataclasses <-> absl flags: each field is one flag of the same name."""

import dataclasses
from collections.abc import Collection

from absl import flags

from srvp_tf.config import SECTIONS, Config, config_fields
from srvp_tf.config.corpora import define_path

WHERE_THE_DATA_IS = ("data_dir", "digits", "digits_dir")
"""Fields that may have changed since a run was trained."""

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_config_flags(
    flag_values: flags.FlagValues = flags.FLAGS, only: Collection[str] | None = None
) -> None:
    """Defines one flag per configuration field, with the field's default and help.

    Args:
      flag_values: where the flags go.
      only: sections ("eval") or single fields ("data_dir") to define, for commands that take the
        others, and the defaults, from a run; None for all.

    Raises:
      ValueError: `only` holds a name that is neither a section nor a field.
    """
    names = [spec.name for _, spec in config_fields()]
    assert len(set(names)) == len(names), "two sections share a field name, so a flag"
    if unknown := set(only or ()) - {*names, *SECTIONS}:
        raise ValueError(f"no such section or field: {', '.join(sorted(unknown))}")
    for section, spec in config_fields():
        if only is None:
            _define(spec, spec.default, flag_values)
        elif section in only or spec.name in only:
            _define(spec, None, flag_values)  # a run's own setting is the default


def define_checkpoint_flag(flag_values: flags.FlagValues) -> None:
    """Defines --checkpoint, for commands that follow training; None: the kind that a run judges."""
    flags.DEFINE_enum(
        "checkpoint",
        None,
        ("last", "best"),
        "which model; by default the one that the run's configuration judges",
        flag_values=flag_values,
    )


def config_from_flags(
    flag_values: flags.FlagValues,
    base: Config | None = None,
    only: Collection[str] | None = None,
) -> Config:
    """The configuration `base` (the defaults if None) with the flags that were given put over it.

    Args:
      only: fields to take, for commands whose other flags of a field's name mean something else;
        None for all that are flags.

    Raises:
      UserError: a value is out of range, or two settings contradict each other.
    """
    base = base or Config()
    given = {
        name: flag_values[name].value
        for name in base.settings()
        if (only is None or name in only) and name in flag_values and flag_values[name].present
    }
    return base.replace(**given)


class _IntegerOrWord(flags.IntegerParser):
    """Parses whole numbers, and some words that stand for one."""

    def __init__(self, words: dict[str, int]):
        super().__init__()
        self._words = words

    def convert(self, argument: int | str) -> int:
        return self._words[argument] if argument in self._words else super().convert(argument)


def _define(spec: dataclasses.Field, default: object, flag_values: flags.FlagValues) -> None:
    text, choices = spec.metadata["help"], spec.metadata["choices"]
    if words := spec.metadata["words"]:
        parser, serializer = _IntegerOrWord(words), flags.ArgumentSerializer()
        flags.DEFINE(parser, spec.name, default, text, flag_values, serializer)
    elif spec.metadata["is_path"]:
        define_path(spec.name, default, text, flag_values)
    elif not choices:
        _DEFINE[spec.type](spec.name, default, text, flag_values=flag_values)
    elif spec.type is str:
        flags.DEFINE_enum(spec.name, default, list(choices), text, flag_values=flag_values)
        flag_values[spec.name].parser.enum_values = choices  # a registry can get further entries
    else:
        # absl has no enum of numbers: its help is written like an enum's, the config checks it.
        text = f"<{'|'.join(map(str, choices))}>: {text}"
        _DEFINE[spec.type](spec.name, default, text, flag_values=flag_values)
