"""Speed and memory of the published networks: `python -m benchmarks.speed [--only=training]`.

Compares with a plain implementation of the same layers (`benchmarks.plain`). What is compared takes
turns in one process; ratios are of medians. On a machine that others use, trust the ratios of CPU
time more than those of the clock. bfloat16 is left out where the processor emulates it.
"""

import argparse

from benchmarks.arguments import add_list
from benchmarks.measure import hold_to_avx2, processor
from srvp_tf.config.tensorflow_start import start_tensorflow

TABLES = ("training", "evaluation", "latency", "scaling")
SETTINGS = ("smmnist", "kth", "bair")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_list(parser, "only", TABLES, "tables, separated by commas")
    add_list(parser, "settings", SETTINGS, "of configs/, likewise")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each variant")
    parser.add_argument("--avx2", action="store_true", help="hold the libraries to AVX2")
    arguments = parser.parse_args()
    names, settings = arguments.only, arguments.settings
    if arguments.avx2:
        hold_to_avx2()
    print(processor(), end="\n\n", flush=True)

    start_tensorflow(deterministic=True)
    import tensorflow as tf

    from benchmarks.speed_evaluation import evaluation_table
    from benchmarks.speed_latency import latency_table
    from benchmarks.speed_scaling import scaling_table
    from benchmarks.speed_training import training_table

    tf.get_logger().setLevel("ERROR")  # warns of functions that are traced anew: many are, once
    make = dict(
        zip(TABLES, (training_table, evaluation_table, latency_table, scaling_table), strict=True)
    )
    for name in names:
        print(make[name](settings, arguments.rounds), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
