"""Train a small model on the embedded digits, judge it, draw its predictions: `make quickstart`.

Run again, it resumes, or just judges what is trained. All flags of the training command work too.
"""

import math

from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.config.corpora import define_path
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.train import stopped_early, train

FLAGFILE = "configs/quickstart.cfg"


def define_flags(flag_values):
    """The flags of this command."""
    define_path("run_dir", "runs/quickstart", "folder of the run", flag_values)
    define_config_flags(flag_values)


def main(flag_values):
    """Train or resume, judge, draw; returns the exit status."""
    config = config_from_flags(flag_values)
    run_dir = flag_values.run_dir
    start_tensorflow(config.train.deterministic)
    from srvp_tf.evaluation.beside_baselines import judge, open_test_videos, print_table
    from srvp_tf.training.step_time import step_seconds

    open_test_videos(corpora.open_corpus(config), config)  # if it fails, then before training
    num_steps = config.train.num_steps - max(RunFolder(run_dir).checkpoints().newest_step(), 0)
    minutes = math.ceil(num_steps * step_seconds(config) / 60)
    print(
        f"training {num_steps} steps on Moving MNIST into {run_dir}, about {minutes} min here\n"
        f"watch it: tensorboard --logdir={run_dir}/logs",
        flush=True,
    )
    signal_number = train(config, run_dir)
    if signal_number is not None:
        return stopped_early(signal_number)
    gif = f"{run_dir}/quickstart.gif"
    num_videos, scores = judge(config, run_dir, gif)
    print_table(scores, num_videos, config)
    print(
        f"\npredictions: {gif}  (green: given and true frames, red: predicted ones)\n"
        "next: train a published setting with\n"
        "  python -m srvp_tf.train --flagfile=configs/smmnist.cfg --run_dir=runs/smmnist"
    )
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags, default_flagfile=FLAGFILE)
