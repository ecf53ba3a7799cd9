"""A copy of a run to give away: `python -m srvp_tf.release --run_dir=runs/x --output_dir=x`.

Holds the configuration and the weights of the checkpoint that the run judges: a third of its size,
as Adam's moments stay behind. All but going on with the training works on it; `train --init_from`
starts from it.
"""

import numpy as np
from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config.corpora import define_path
from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.weights_folder import check_unused, write_weights_folder


def define_flags(flag_values):
    """The flags of this command."""
    define_run_flag(flag_values)
    define_path("output_dir", None, "folder to make", flag_values)
    flags.DEFINE_bool(
        "half", False, "store kernels as float16: half the size", flag_values=flag_values
    )


def main(flag_values):
    """Copy; returns the exit status."""
    run = run_from_flags(flag_values)
    if not flag_values.output_dir:
        raise UserError(f"--output_dir is missing: {flag_values['output_dir'].help}")
    step = release(run, flag_values.output_dir, flag_values.half)
    print(f"{flag_values.output_dir}: the weights of step {step}")
    return 0


def release(run, output_dir, half=False):
    """Write a run folder with the weights of a `RunFolder` alone; returns their step.

    Args:
        half: store matrices and convolution kernels as float16, rounded to 11 bits; biases and
            batch normalisation stay float32.

    Raises:
        UserError: `output_dir` is in use, or `run` is no run folder or has no such checkpoint.
    """
    check_unused(output_dir)
    config, path = run.config(), run.checkpoint_path()
    arrays, metadata = checkpoints.read_checkpoint(path)
    weights = {name: array for name, array in arrays.items() if name.startswith("model/")}
    if half:
        weights = {
            name: array.astype(np.float16) if array.ndim > 1 else array
            for name, array in weights.items()
        }
    metadata = metadata | {"imported_from": path.name}
    del metadata["format_version"]
    write_weights_folder(output_dir, config, weights, metadata, kinds=(config.eval.checkpoint,))
    return metadata["step"]


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
