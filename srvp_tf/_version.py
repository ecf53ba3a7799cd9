"""The version of srvp-tf, in the one place that setup.py, `--version` and saved runs read."""

__version__ = "0.1.0"
