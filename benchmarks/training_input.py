"""Share of a training step spent waiting for clips: `python -m benchmarks.training_input`.

Trains on Moving MNIST exactly as `srvp_tf.train` does, for a few steps in a temporary folder, and
reads what the run logged: the time in which no clip was ready, over all time, validation left out.
The quickstart's network is the smallest that is trained, hence the most demanding of its input.
"""

import statistics
import tempfile

from benchmarks.harness import parser_of, print_table, start
from benchmarks.settings import config_of, few_steps, logged

WARM_UP, MEASURED = 5, 30  # steps; the first ones build the graph


def rows():
    """A row for each setting."""
    from srvp_tf.train import train

    for setting in ("quickstart", "smmnist"):
        config = config_of(setting, "--batch_size=32", *few_steps(WARM_UP, MEASURED))
        with tempfile.TemporaryDirectory() as folder:
            train(config, f"{folder}/run")
            speed, waiting = (
                statistics.mean(logged(f"{folder}/run", f"speed/{name}", WARM_UP))
                for name in ("clips_per_second", "input_wait_share")
            )
        yield {
            "setting": f"{setting}, batch 32",
            "clips/s": f"{speed:.0f}",
            "waiting for input": f"{100 * waiting:.2f} %",
        }


def main():
    """Print the table."""
    parser_of(__doc__).parse_args()
    start()
    print_table(rows())


if __name__ == "__main__":
    main()
