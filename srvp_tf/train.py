"""Train a model: `python -m srvp_tf.train --flagfile=configs/smmnist.cfg --run_dir=runs/smmnist`.

The same command resumes a run that was stopped, and ends with the weights of one that never was.
Watch it with `tensorboard --logdir=runs`.
"""

from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.config.corpora import define_path
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError


def define_flags(flag_values):
    """The flags of this command."""
    define_path("run_dir", None, "folder of the run", flag_values)
    define_path(
        "init_from",
        None,
        "run folder, shipped model or checkpoint whose weights a new run starts from",
        flag_values,
    )
    define_config_flags(flag_values)


def main(flag_values):
    """Train; returns the exit status, 128 + n when signal n stopped the run early."""
    if not flag_values.run_dir:
        raise UserError("--run_dir is missing: name the folder of the run")
    config = config_from_flags(flag_values)
    signal_number = train(config, flag_values.run_dir, flag_values.init_from)
    return 0 if signal_number is None else stopped_early(signal_number)


def stopped_early(signal_number):
    """Say that a signal stopped the run; returns the exit status."""
    print("stopped early, nothing is lost: the same command goes on from here")
    return 128 + signal_number


def train(config, run_dir, init_from=None):
    """Train a `Config` on its corpus; returns the number of the signal that stopped it, or None."""
    start_tensorflow(config.train.deterministic)
    from srvp_tf.training.strategy import make_strategy
    from srvp_tf.training.trainer import Trainer

    strategy = make_strategy()  # before the corpus: TensorFlow joins hosts only while it is idle
    corpus = corpora.open_corpus(config)
    trainer = Trainer(config, run_dir, strategy, init_from, corpora.action_scale(corpus))
    data, c = config.data, config.train

    def training_batches(steps_done):
        return corpus.training_batches(
            length=data.train_length,
            batch_size=c.batch_size,
            seed=c.seed,
            first_step=steps_done,
            shard=trainer.group.shard,
        )

    def validation_batches(draw):
        return corpus.validation_batches(
            length=data.val_length,
            batch_size=c.val_batch_size,
            num_batches=c.val_batches,
            seed=c.seed,
            draw=draw,
        )

    return trainer.train(training_batches, validation_batches)


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
