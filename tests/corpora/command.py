"""The command line of a maker: `--output_dir`, and a flag for each of its further arguments."""

import argparse
import ast
import inspect


def run(make, summary):
    """Make a corpus as the command line says; prints what was written."""
    parser = argparse.ArgumentParser(description=summary.splitlines()[0])
    parser.add_argument("--output_dir", required=True)
    for parameter in list(inspect.signature(make).parameters.values())[1:]:
        parser.add_argument(f"--{parameter.name}", type=ast.literal_eval, default=parameter.default)
    for path, what in make(**vars(parser.parse_args())).items():
        print(f"{path}: {what}")
