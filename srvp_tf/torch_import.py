"""Bring the authors' weights: an official experiment folder becomes a run folder.

    python -m srvp_tf.torch_import --xp_dir=kth_experiment --run_dir=runs/kth

It is then evaluated, drawn from, exported and fine-tuned (train --init_from) as any other. Only
training cannot go on in it: PyTorch's file holds the weights alone, not Adam's moments.
"""

import shlex
from pathlib import Path

from absl import flags

from srvp_tf.authors.importer import BEST_MODEL, MODEL, import_experiment
from srvp_tf.cli import command
from srvp_tf.config import corpora
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError


def define_flags(flag_values):
    """The flags of this command."""
    define_path("xp_dir", None, "official experiment folder", flag_values)
    define_path("run_dir", None, "run folder to make", flag_values)
    flags.DEFINE_string(
        "model_name", MODEL, f"file of weights in it; also {BEST_MODEL}", flag_values=flag_values
    )


def main(flag_values):
    """Import; returns the exit status."""
    for name in ("xp_dir", "run_dir", "model_name"):
        if not flag_values[name].value:
            raise UserError(f"--{name} is missing: {flag_values[name].help}")
    start_tensorflow(deterministic=True)
    xp_dir, run_dir = Path(flag_values.xp_dir), flag_values.run_dir
    config, num_tensors, num_parameters = import_experiment(xp_dir, run_dir, flag_values.model_name)
    dataset = config.data.dataset
    print(
        f"{run_dir}: {num_tensors} tensors, {num_parameters:,} parameters of a {dataset} model, "
        f"judged by its {config.eval.checkpoint!r} checkpoint"
    )
    if flag_values.model_name == MODEL and (xp_dir / BEST_MODEL).is_file():
        print(f"this is the last model; the best in validation: --model_name={BEST_MODEL}")
    run = f"--run_dir={shlex.quote(run_dir)}"
    if dataset == "moving_mnist":
        print(f"next: python -m srvp_tf.evaluate {run} --digits=idx --digits_dir=FOLDER")
        print(f"({corpora.EMBEDDED_DIGITS})")
    else:
        print(f"next: python -m srvp_tf.generate {run} --input=VIDEO")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
