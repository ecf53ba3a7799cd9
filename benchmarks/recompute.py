"""What `--remat` saves and costs: `python -m benchmarks.recompute [--setting=kth --batch=4]`.

Trains a full-size network for a few steps, with and without it, each in a process of its own; peak
resident memory counts what the process took above its size before the first step. The two take
turns, so that a slow minute of the machine slows both.

    python -m benchmarks.recompute --batch=100 --precision=mixed_bfloat16 --only_remat

is the published batch of KTH: minutes, and less memory than a card of 12 GB has.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

from srvp_tf.config.tensorflow_start import start_tensorflow

STEPS = 3


def child(setting, batch, precision, remat, steps):
    """Train; print peak memory above the start [MiB] and the median seconds of a step."""
    import dataclasses

    start_tensorflow(deterministic=True)

    from benchmarks.settings import clips_of, config_of
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training.step import TrainingStep

    config = config_of(setting)
    clips = clips_of(config.model, batch, config.data.train_length)
    train = dataclasses.replace(config.train, precision=precision)
    step = TrainingStep(SRVP(config.model, precision=precision, remat=remat), train)
    before, seconds = _peak_mib(), []
    for number in range(1, steps + 1):
        start = time.perf_counter()
        step(clips, number).gradient_norm.numpy()
        seconds.append(time.perf_counter() - start)
    print(_peak_mib() - before, statistics.median(seconds[1:]))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", default="kth", help="of configs/")
    parser.add_argument("--batch", type=int, default=4, help="videos per step")
    parser.add_argument("--precision", default="float32", help="as in training")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each")
    parser.add_argument("--only_remat", action="store_true", help="one turn, with it, two steps")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child is not None:
        steps = 2 if a.only_remat else STEPS
        return child(a.setting, a.batch, a.precision, bool(a.child), steps)

    results = {True: []} if a.only_remat else {False: [], True: []}
    for _ in range(1 if a.only_remat else a.rounds):
        for remat, runs in results.items():
            again = [sys.executable, "-m", "benchmarks.recompute", *sys.argv[1:]]
            again += ["--child", str(int(remat))]
            done = subprocess.run(again, capture_output=True, text=True, check=True)
            runs.append([float(x) for x in done.stdout.split()[-2:]])
    print(f"{a.setting} network, {a.batch} videos, {a.precision}\n")
    print("| | memory of a step | seconds | memory | time |\n|---|---|---|---|---|")
    medians = {k: [statistics.median(x) for x in zip(*v, strict=True)] for k, v in results.items()}
    base = next(iter(medians.values()))
    for remat, (memory, seconds) in medians.items():
        shares = f"{memory / base[0]:.2f} | {seconds / base[1]:.2f}"
        print(
            f"| {'`--remat`' if remat else 'kept'} | {memory:.0f} MiB | {seconds:.1f} | {shares} |"
        )


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
