"""Packages that only these readers need."""

import importlib


def require(module):
    """A module of the `test-long` extra; raises `ImportError` with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{error}: pip install '.[test-long]'") from error
