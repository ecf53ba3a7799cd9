"""Prepared videos on disk: written once, whole or not at all, and read clip by clip."""
