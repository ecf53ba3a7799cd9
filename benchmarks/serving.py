"""What is exported, measured: `python -m benchmarks.serving [--only=latency] [--run_dir=...]`.

Latency and throughput of the published networks in the runtimes that serve them, and what TFLite's
quantisations cost in quality, size and time. What is compared takes turns in one process; ratios
are of medians. On a machine that others use, trust the ratios of CPU time more.
"""

import argparse
import sys

from benchmarks.arguments import add_list
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

TABLES = ("latency", "tflite")
SETTINGS = ("smmnist", "kth")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_list(parser, "only", TABLES, "tables, separated by commas")
    add_list(parser, "settings", SETTINGS, "of configs/, likewise")
    parser.add_argument(
        "--run_dir", action="append", default=[], help="trained run, for the table of TFLite"
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of each variant")
    arguments = parser.parse_args()
    names, settings = arguments.only, arguments.settings

    start_tensorflow(deterministic=False)
    import tensorflow as tf

    from benchmarks.serving_latency import latency_table
    from benchmarks.serving_tflite import tflite_table

    tf.get_logger().setLevel("ERROR")  # warns of functions that are traced anew: many are, once
    if "latency" in names:
        print(latency_table(settings, arguments.rounds), end="\n\n", flush=True)
    if "tflite" in names:
        try:
            untrained = [] if arguments.run_dir else settings
            print(tflite_table(untrained, arguments.run_dir, arguments.rounds), flush=True)
        except UserError as error:
            sys.exit(f"benchmarks.serving: {error}")


if __name__ == "__main__":
    main()
