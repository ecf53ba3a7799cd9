"""Share of a training step spent waiting for clips: `python -m benchmarks.training_input`.

Trains on Moving MNIST exactly as `srvp_tf.train` does, for a few steps in a temporary folder, and
reads what the run logged: the time in which no clip was ready, over all time, validation left out.
The quickstart's network is the smallest that is trained, hence the most demanding of its input.
"""

import tempfile
from pathlib import Path

from absl import flags

from srvp_tf.cli import command
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow

SETTINGS = {
    "quickstart, batch 32": ["--flagfile=configs/quickstart.cfg"],
    "smmnist, batch 32": ["--flagfile=configs/smmnist.cfg", "--batch_size=32"],
}
WARM_UP, MEASURED = 5, 30  # steps; the first ones build the graph


def main():
    """Print the table."""
    start_tensorflow(deterministic=True)
    print("| setting | clips/s | waiting for input |\n|---|---|---|")
    for name, arguments in SETTINGS.items():
        clips_per_second, share = measure(arguments)
        print(f"| {name} | {clips_per_second:.0f} | {100 * share:.2f} % |", flush=True)


def measure(arguments):
    """(clips per second, share of time waiting for input) of one setting."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from srvp_tf.train import train

    steps = [
        f"--lr_burnin={WARM_UP + MEASURED}",
        "--lr_decay=0",
        f"--log_interval={WARM_UP}",
        "--val_batches=1",
        "--val_samples=1",
    ]
    values = flags.FlagValues()
    define_config_flags(values)
    paths = [
        f"--flagfile={command.resolve_flagfile(a.partition('=')[2])}" if "flagfile" in a else a
        for a in arguments
    ]
    values(["benchmark", *paths, *steps])
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        train(config_from_flags(values), run_dir)
        events = EventAccumulator(str(run_dir / "logs"), size_guidance={"tensors": 0}).Reload()
        return tuple(
            _mean_after_warm_up(events, f"speed/{name}")
            for name in ("clips_per_second", "input_wait_share")
        )


def _mean_after_warm_up(events, tag):
    from tensorboard.util.tensor_util import make_ndarray

    numbers = [
        float(make_ndarray(event.tensor_proto))
        for event in events.Tensors(tag)
        if event.step > WARM_UP
    ]
    return sum(numbers) / len(numbers)


if __name__ == "__main__":
    main()
