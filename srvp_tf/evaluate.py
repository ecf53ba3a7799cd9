"""Judge a run on its test set: `python -m srvp_tf.evaluate --run_dir=runs/smmnist`.

Prints PSNR, SSIM, LPIPS and FVD by the paper's protocol, beside the paper's own figures where they
are of the same setting, and writes results.json and the arrays of the authors' test script into the
run folder. What is not set here is as the run has it.

PSNR, SSIM and LPIPS: the best of N samples, per video and metric; with --protocol=mean_sample or
both the mean over the samples, which later papers report, too. FVD: five draws of one sample per
video. LPIPS and FVD need weights, which python -m srvp_tf.fetch brings.
"""

from pathlib import Path

from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config.corpora import define_path
from srvp_tf.config.flags import WHERE_THE_DATA_IS, config_from_flags, define_config_flags
from srvp_tf.evaluation.chosen_metrics import define_metric_flags, metrics_from_flags
from srvp_tf.evaluation.protocol import ACTION_SOURCES, REPORT, TRUE_ACTIONS, evaluate
from srvp_tf.evaluation.report import PROTOCOLS, print_report

DATA_FLAGS = (*WHERE_THE_DATA_IS, "test_length")


def define_flags(flag_values):
    """The flags of this command."""
    define_run_flag(flag_values)
    define_path(
        "output_dir",
        None,
        "where the results go; by default RUN_DIR/evaluation, or evaluation_ACTIONS with --actions",
        flag_values,
    )
    define_metric_flags(flag_values)
    text = "what is printed: the best of a video's samples for each metric, their mean, or both"
    flags.DEFINE_enum("protocol", PROTOCOLS[0], PROTOCOLS, text, flag_values=flag_values)
    text = "which ones a model with actions is given: each video's, zeros, or another video's"
    flags.DEFINE_enum("actions", TRUE_ACTIONS, ACTION_SOURCES, text, flag_values=flag_values)
    define_config_flags(flag_values, only=("eval", *DATA_FLAGS))


def main(flag_values):
    """Evaluate; returns the exit status."""
    folder = run_from_flags(flag_values)
    config = config_from_flags(flag_values, folder.config())
    actions = flag_values.actions
    name = "evaluation" if actions == TRUE_ACTIONS else f"evaluation_{actions}"
    output = Path(flag_values.output_dir or folder.results / name).resolve()
    report = evaluate(config, folder, output, metrics_from_flags(flag_values), actions)
    print_report(report, flag_values.protocol)
    print(f"\nresults: {output / REPORT}, samples beside it")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
