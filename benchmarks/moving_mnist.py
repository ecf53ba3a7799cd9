"""Speed of Moving MNIST: the authors' procedure in NumPy against the generator in tf.data.

Every row is a process of its own, pinned to its cores before TensorFlow starts. Clips have 15
frames of 64 x 64 and two digits, stochastic; the tf.data rows include batching (128) and delivery
to Python. Clips per second of CPU time, and their ratio, hold on a machine that others use too.
"""

import os

import numpy as np

from benchmarks.harness import both, parser_of, per_second, print_table, turns_of_processes
from srvp_tf.config.tensorflow_start import load_tensorflow

LENGTH = 15
BATCH = 128


def reference_clips(_):
    """Make clips as the authors do; yields after each batch."""
    from data_pipelines.moving_mnist.digits import load_embedded
    from data_pipelines.moving_mnist.trajectories import render_digits, trajectory

    digits = load_embedded().train
    rng = np.random.RandomState(0)
    while True:
        for _ in range(BATCH):
            shown = digits[rng.randint(len(digits), size=2)]
            render_digits(shown, np.stack([trajectory(rng, LENGTH) for _ in shown]))
        yield


def generated_clips(cores):
    """Take clips from the training pipeline; yields each batch."""
    load_tensorflow()
    import tensorflow as tf

    from data_pipelines import open_corpus

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)
    batches = open_corpus("moving_mnist").training_batches(length=LENGTH, batch_size=BATCH, seed=0)
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores
    yield from batches.with_options(options)


def take(make_clips, cores, seconds):
    """The turn of a process: clips per second, [of the clock, of CPU time]."""
    os.sched_setaffinity(0, cores)
    clips = make_clips(len(cores))

    def turn():
        # The first time empties what was prefetched while others had their turns.
        _, rates = (per_second(lambda: next(clips), seconds) for _ in range(2))
        return BATCH * rates

    return turn


def main():
    """Measure in turns and print the table."""
    parser = parser_of(__doc__, rounds=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    a = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    ways = {
        "reference procedure, NumPy, 1 core": (reference_clips, cores[:1]),
        "training generator, tf.data, 1 core": (generated_clips, cores[:1]),
    }
    if len(cores) > 1:
        ways["training generator, tf.data, 2 cores"] = generated_clips, cores[:2]
    variants = {name: (take, *way, a.seconds) for name, way in ways.items()}
    speeds = turns_of_processes(variants, a.rounds, warm_ups=1)
    _, base = next(iter(speeds.values()))
    print_table(
        {
            f"Moving MNIST, {LENGTH} frames": name,
            **both("clips/s", speed, ",.0f"),
            "ratio": f"{speed[1] / base:.2f}",
        }
        for name, speed in speeds.items()
    )


if __name__ == "__main__":
    main()
