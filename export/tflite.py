"""Write a run's model for devices: `python -m export.tflite --run_dir=runs/kth`.

One file with the signatures encode, observe, predict_single_step and predict_multi_step, built-in
operations only, noise as input; OUTPUT.json beside it tells what they take. Both appear when the
file agrees with the Keras model, or not at all.
"""

from pathlib import Path

from absl import flags

from export.extras import require
from export.writers import source_run
from export.writers.settings import define_settings_flags, export_settings
from srvp_tf.cli import command
from srvp_tf.cli.checks import check_output_file
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.atomic_files import replacing

QUANTIZATIONS = ("none", "float16", "dynamic_int8")


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""
    source_run.define_run_flags(flag_values)
    define_path("output", "srvp.tflite", "file to write", flag_values)
    kept = "how weights are kept"
    flags.DEFINE_enum("quantize", "none", QUANTIZATIONS, kept, flag_values=flag_values)
    flags.DEFINE_integer("batch", 1, "videos per call", 1, flag_values=flag_values)
    names = ("conditioning_frames", "horizon", "euler_steps", "frames_per_step")
    define_settings_flags(flag_values, names)


def main(flag_values: flags.FlagValues) -> int:
    """Export; returns the exit status."""
    run = source_run.open_source_run(flag_values)
    settings = export_settings(flag_values, run.config)
    output = Path(flag_values.output)
    check_output_file(output)
    require("comparing the file with the Keras model", "ai_edge_litert")

    start_tensorflow(deterministic=False)
    from export.writers.tflite import export_tflite

    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(output.name + ".json")
    with replacing(output) as file, replacing(beside) as description:
        export_tflite(run, settings, file, description, flag_values.batch, flag_values.quantize)
        size = file.stat().st_size
    print(f"wrote {output}, {size / 1e6:.1f} MB, and {beside}")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
