"""What `--remat` saves and costs: `python -m benchmarks.recompute`.

Trains the full-size KTH network for a few steps, with and without it, each in a process of its own;
peak resident memory counts what the process took above its size before the first step. The two take
turns, so that a slow minute of the machine slows both.
"""

import resource
import statistics
import subprocess
import sys
import time

BATCH, ROUNDS, STEPS = 4, 2, 3


def child(remat):
    """Train; print peak memory above the start [MiB] and the median seconds of a step."""
    from absl import flags

    from srvp_tf import command
    from srvp_tf.flags import config_from_flags, define_config_flags

    command.start_tensorflow(deterministic=True)
    import numpy as np
    import tensorflow as tf

    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training_step import TrainingStep

    values = flags.FlagValues()
    define_config_flags(values)
    values(["recompute", f"--flagfile={command.resolve_flagfile('configs/kth.cfg')}"])
    config = config_from_flags(values)
    shape = (BATCH, config.data.train_length, 64, 64, 1)
    clips = tf.constant(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    step = TrainingStep(SRVP(config.model, remat=remat), config.train)
    before = _peak_mib()
    seconds = []
    for number in range(1, STEPS + 2):
        start = time.perf_counter()
        step(clips, number).gradient_norm.numpy()
        seconds.append(time.perf_counter() - start)
    print(_peak_mib() - before, statistics.median(seconds[1:]))


def main():
    """Print the table."""
    results = {False: [], True: []}
    for _ in range(ROUNDS):
        for remat, runs in results.items():
            command = [sys.executable, "-m", "benchmarks.recompute", str(int(remat))]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append([float(x) for x in done.stdout.split()[-2:]])
    print(f"KTH network, batch {BATCH}, 20 frames, float32\n")
    print("| | memory of a step | time of a step |\n|---|---|---|")
    medians = {k: [statistics.median(x) for x in zip(*v, strict=True)] for k, v in results.items()}
    (memory, seconds), (less, longer) = medians[False], medians[True]
    print(f"| kept | {memory:.0f} MiB | 1 |")
    print(f"| `--remat` | {less:.0f} MiB, {less / memory:.2f} of it | {longer / seconds:.2f} |")


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(bool(int(sys.argv[1])))
    else:
        main()
