"""Our docstrings, made into what Sphinx reads: they are written for people who read the source.

- A block that is indented below a sentence is code or a table, though no `::` says so.
- `name: meaning` lines below the sentence of a tuple or dataclass are its attributes.
- `Name` is a link where the reference has it, and code elsewhere.
- |y| is a norm, and no substitution.
"""

import dataclasses
import inspect
import itertools
import re

from sphinx.domains.python import PyXRefRole


class _NameRole(PyXRefRole):
    """`Name`: whatever the reference calls so, in any module, if it looks like a class."""

    def process_link(self, env, refnode, has_explicit_title, title, target):
        title, target = super().process_link(env, refnode, has_explicit_title, title, target)
        refnode["reftype"] = "obj"
        if re.fullmatch(r"[A-Z]\w+(\.\w+)?", target):
            refnode["refspecific"] = True
        return title, target


def _fields(obj):
    if dataclasses.is_dataclass(obj):
        return {field.name for field in dataclasses.fields(obj)}
    return set(getattr(obj, "_fields", ()))


def _list_attributes(lines, fields):
    """Makes a list of each paragraph that is lines of `name: meaning`, and their continuations."""
    described = re.compile(r"(\w+(?:, \w+)*): (.*)")
    listed = []
    for is_text, paragraph in itertools.groupby(lines, lambda line: bool(line.strip())):
        paragraph = list(paragraph)
        matches = [described.match(line) for line in paragraph]
        names = {name for match in matches if match for name in match[1].split(", ")}
        follow = all(
            match or line.startswith("    ") for match, line in zip(matches, paragraph, strict=True)
        )
        if is_text and matches[0] and follow and names <= fields:
            paragraph = [
                f"- **{match[1]}**: {match[2]}" if match else f"  {line.strip()}"
                for match, line in zip(matches, paragraph, strict=True)
            ]
        listed += paragraph
    return listed


def _mark_blocks(lines):
    """Puts `::` above a block that is indented after an empty line."""
    marked, indents = [], [0]
    for line in lines:
        if line.strip():
            indent = len(line) - len(line.lstrip())
            follows_space = len(marked) > 1 and not marked[-1].strip()
            if indents[-1] == 0 and indent >= 4 and follows_space:
                marked += ["::", ""]
            indents.append(indent)
        marked.append(line)
    return marked


def _escape(line):
    """Bars as in |y|, a letter right after `code`, and "N." alone mean other things to Sphinx."""
    line = re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", line.replace("|", r"\|"))
    return re.sub(r": ([A-Z])\.$", r": \1\\.", line)


def _process(app, what, name, obj, options, lines):
    lines[:] = [line for line in lines if not line.startswith("Create new instance of ")]
    if inspect.isclass(obj):
        lines[:] = _list_attributes(lines, _fields(obj))
    lines[:] = _mark_blocks(map(_escape, lines))
    if what in ("attribute", "property"):
        # Napoleon takes what stands before a colon in the first line for a type.
        lines.insert(0, "\\ ")


def _sign(app, what, name, obj, options, signature, returns):
    """Keras' classes hide the arguments of `__init__` behind a `__new__` that takes any.

    A protocol takes none: it is not made.
    """
    if what != "class" or not (signature or "").startswith("(*args"):
        return None
    if getattr(obj, "_is_protocol", False):
        return "", returns
    own = inspect.signature(obj.__init__)
    return str(own.replace(parameters=list(own.parameters.values())[1:])), returns


def _skip(app, what, name, obj, skip, options):
    """The fields of a tuple are told of in its docstring."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    """Registers the role, and the changes before napoleon reads what they give."""
    app.add_role_to_domain("py", "name", _NameRole())
    app.connect("autodoc-process-docstring", _process, priority=100)
    app.connect("autodoc-process-signature", _sign)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}
