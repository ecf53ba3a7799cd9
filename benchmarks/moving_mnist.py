"""Speed of Moving MNIST: the authors' procedure in NumPy against the generator in tf.data.

    python -m benchmarks.moving_mnist

Every row is a process of its own, pinned to its cores before TensorFlow starts; the processes take
turns, so that a slow minute of the machine slows all rows alike. Clips have 15 frames of 64 x 64
and two digits, stochastic; the tf.data rows include batching (128) and delivery to Python. Clips
per second of CPU time, and the ratio, which is of those, hold on a machine that others use too.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator

LENGTH = 15
BATCH = 128
CHECK_EVERY = 64  # clips made between two looks at the clock


def reference_clips() -> Iterator[int]:
    """Make clips one by one as the authors do; yields how many were made."""
    import numpy as np

    from data_pipelines.moving_mnist.digits import load_embedded
    from data_pipelines.moving_mnist.trajectories import render_digits, trajectory

    digits = load_embedded().train
    rng = np.random.RandomState(0)
    while True:
        for _ in range(CHECK_EVERY):
            shown = digits[rng.randint(len(digits), size=2)]
            render_digits(shown, np.stack([trajectory(rng, LENGTH) for _ in shown]))
        yield CHECK_EVERY


def generated_clips(cores: int) -> Iterator[int]:
    """Take batches from the training pipeline; yields how many clips were taken."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    from data_pipelines import open_corpus

    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)
    batches = open_corpus("moving_mnist").training_batches(length=LENGTH, batch_size=BATCH, seed=0)
    options = tf.data.Options()
    options.threading.private_threadpool_size = cores
    for _ in batches.with_options(options):
        yield BATCH


def serve(connection, cores: list[int], generator: str) -> None:
    """Measure whenever asked: receives seconds (0 ends), answers clips per second of clock and CPU.

    Each turn starts by emptying what was prefetched while others had theirs.
    """
    os.sched_setaffinity(0, cores)
    clips = reference_clips() if generator == "reference" else generated_clips(len(cores))
    while seconds := connection.recv():
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            next(clips)
        count, begin, begin_cpu = 0, time.perf_counter(), time.process_time()
        while (elapsed := time.perf_counter() - begin) < seconds:
            count += next(clips)
        connection.send((count / elapsed, count / (time.process_time() - begin_cpu)))


def main() -> None:
    """Measure in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each row")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    arguments = parser.parse_args()

    available = sorted(os.sched_getaffinity(0))
    rows = [
        ("reference procedure, NumPy, 1 core", available[:1], "reference"),
        ("training generator, tf.data, 1 core", available[:1], "generator"),
    ]
    if len(available) > 1:
        rows.append(("training generator, tf.data, 2 cores", available[:2], "generator"))

    context = multiprocessing.get_context("spawn")
    workers = []
    for _, cores, generator in rows:
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, cores, generator), daemon=True).start()
        workers.append(ours)
    measured = [[] for _ in rows]
    for turn in range(arguments.rounds + 1):
        for worker, speeds in zip(workers, measured, strict=True):
            worker.send(arguments.seconds)
            speed = worker.recv()
            if turn:  # the first turn warms up
                speeds.append(speed)
    for worker in workers:
        worker.send(0)

    print(f"| Moving MNIST, {LENGTH} frames | clips/s | clips/CPU s | range | ratio |")
    print("|---|---|---|---|---|")
    baseline = statistics.median(of_cpu for _, of_cpu in measured[0])
    for (name, *_), speeds in zip(rows, measured, strict=True):
        clock, cpu = (statistics.median(values) for values in zip(*speeds, strict=True))
        least, most = (extreme(of_cpu for _, of_cpu in speeds) for extreme in (min, max))
        span = f"{least:,.0f}-{most:,.0f}"
        print(f"| {name} | {clock:,.0f} | {cpu:,.0f} | {span} | {cpu / baseline:.2f} |")


if __name__ == "__main__":
    main()
