"""Write a run's model for TensorFlow Serving: `python -m export.saved_model --run_dir=runs/kth`.

OUTPUT_DIR/VERSION/ appears when it is complete and agrees with the Keras model, or not at all. With
--noise_inputs it holds a SavedModel per signature whose noise is an input: for OpenVINO and ONNX.
"""

from pathlib import Path

from absl import flags

from export.extras import require
from export.writers import source_run
from export.writers.settings import define_settings_flags, export_settings
from export.writers.version_folder import check_kind, choose_version, new_version
from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow

# No server can load versions with noise inputs: they never lie among those that it polls.
_OUTPUT_DIR = {True: "models/srvp", False: "models/srvp_noise_inputs"}  # by whether it is seeded


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""
    source_run.define_run_flags(flag_values)
    defaults = f"by default {_OUTPUT_DIR[True]}, and {_OUTPUT_DIR[False]} with --noise_inputs"
    define_path("output_dir", None, f"folder of the model's versions; {defaults}", flag_values)
    version = "version to write; by default the next one"
    flags.DEFINE_integer("version", None, version, flag_values=flag_values)
    define_settings_flags(flag_values)
    noise = "noise as an input in the place of a seed, and one SavedModel per signature"
    flags.DEFINE_bool("noise_inputs", False, noise, flag_values=flag_values)
    flags.DEFINE_bool("warmup", True, "add warm-up requests", flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> int:
    """Export; returns the exit status."""
    run = source_run.open_source_run(flag_values)
    settings = export_settings(flag_values, run.config)
    seeded = not flag_values.noise_inputs
    output_dir = Path(flag_values.output_dir or _OUTPUT_DIR[seeded])
    check_kind(output_dir, seeded)
    version = choose_version(output_dir, flag_values.version)

    warmup_name = output_dir.resolve().name if seeded and flag_values.warmup else None
    if warmup_name:
        require("--warmup", "tensorflow_serving", otherwise=", or give --nowarmup")
    start_tensorflow(deterministic=False)
    from export.writers.saved_model import export_saved_model

    with new_version(output_dir, version, or_later=flag_values.version is None) as new:
        export_saved_model(run, settings, new.folder, seeded, warmup_name)
    print(f"wrote {new.path}")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
