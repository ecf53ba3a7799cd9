"""The directive `settings`: the table of a configuration dataclass, from its fields' metadata."""

import dataclasses

from docutils import nodes
from docutils.parsers.rst import Directive

_HEADINGS = ("setting", "default", "values", "meaning")
_MOST = 2**31 - 1  # what every whole number is held to
_TYPES = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def _values(field):
    """What a field takes, in words."""
    limits = field.metadata
    if limits["choices"]:
        return ", ".join(map(str, limits["choices"]))
    least, most, above = limits["minimum"], limits["maximum"], limits["above"]
    words = _TYPES[field.type]
    if above is not None:
        return f"{words}, above {above:,}"
    if least is None:
        return words
    if most in (None, _MOST):
        return f"{words}, {least:,} or more"
    return f"{words}, {least:,} to {most:,}"


def _default(field):
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "empty"


class Settings(Directive):
    """`{settings} ModelConfig`."""

    required_arguments = 1

    def run(self):
        """The table."""
        from srvp_tf import config

        fields = dataclasses.fields(getattr(config, self.arguments[0]))
        rows = [(f"--{f.name}", _default(f), _values(f), f.metadata["help"]) for f in fields]
        group = nodes.tgroup(cols=len(_HEADINGS))
        group += [nodes.colspec(colwidth=1) for _ in _HEADINGS]
        head, body = nodes.thead(), nodes.tbody()
        head += self._row(_HEADINGS)
        body += [self._row(row, is_code=True) for row in rows]
        group += [head, body]
        return [nodes.table("", group)]

    @staticmethod
    def _row(cells, is_code=False):
        row = nodes.row()
        for i, text in enumerate(cells):
            literal = is_code and (i == 0 or (i == 1 and text != "empty"))
            inline = nodes.literal(text, text) if literal else nodes.Text(text)
            row += nodes.entry("", nodes.paragraph("", "", inline))
        return row


def setup(app):
    """Registers the directive."""
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True}
