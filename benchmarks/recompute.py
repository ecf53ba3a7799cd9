"""What `--remat` saves and costs: `python -m benchmarks.recompute [--setting=kth --batch=4]`.

Trains a full-size network for a few steps, with and without it, each in a process of its own; peak
resident memory counts what the process took above its size before the first step.

    python -m benchmarks.recompute --batch=100 --precision=mixed_bfloat16 --only_remat

is the published batch of KTH: minutes, and less memory than a card of 12 GB has.
"""

import dataclasses
import functools
import statistics

from benchmarks.harness import in_process, parser_of, peak_memory, print_table, timed, turns
from benchmarks.settings import clips_of, config_of
from srvp_tf.config.tensorflow_start import start_tensorflow


def train(setting, batch, precision, steps, remat):
    """(Peak memory above the start in bytes, median seconds of a step)."""
    start_tensorflow(deterministic=True)
    from srvp_tf.models.srvp import SRVP
    from srvp_tf.training.step import TrainingStep

    config = config_of(setting)
    clips = clips_of(config.model, batch, config.data.train_length)
    options = dataclasses.replace(config.train, precision=precision)
    step = TrainingStep(SRVP(config.model, precision=precision, remat=remat), options)
    before = peak_memory()
    seconds = [timed(lambda n=n: step(clips, n).gradient_norm.numpy())[0] for n in range(steps)]
    return peak_memory() - before, statistics.median(seconds[1:])


def main():
    """Print the table."""
    parser = parser_of(__doc__, rounds=2)
    parser.add_argument("--setting", default="kth", help="of configs/")
    parser.add_argument("--batch", type=int, default=4, help="videos per step")
    parser.add_argument("--precision", default="float32", help="as in training")
    parser.add_argument("--only_remat", action="store_true", help="one turn, with it, two steps")
    a = parser.parse_args()
    rounds, steps, ways = (1, 2, [True]) if a.only_remat else (a.rounds, 3, [False, True])
    once = functools.partial(in_process, train, a.setting, a.batch, a.precision, steps)
    found = turns({remat: functools.partial(once, remat) for remat in ways}, rounds, warm_ups=0)
    print(f"{a.setting} network, {a.batch} videos, {a.precision}\n")
    base = found[ways[0]]
    print_table(
        {
            "": "`--remat`" if remat else "kept",
            "memory of a step": f"{memory / 2**20:.0f} MiB",
            "seconds": f"{seconds:.1f}",
            "memory": f"{memory / base[0]:.2f}",
            "time": f"{seconds / base[1]:.2f}",
        }
        for remat, (memory, seconds) in found.items()
    )


if __name__ == "__main__":
    main()
