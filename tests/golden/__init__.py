"""Comparison with values computed by the authors' own code (`python -m tests.golden.check`)."""
