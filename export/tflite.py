"""Write a run's model for devices: `python -m export.tflite --run_dir=runs/kth`.

One file with the signatures encode, observe, predict_single_step and predict_multi_step, built-in
operations only, noise as input; OUTPUT.json beside it tells what they take. Both appear when the
file agrees with the Keras model, or not at all.
"""

from pathlib import Path

from absl import flags

from export.extras import require
from export.writers import source_run
from export.writers.settings import define_settings_flags, settings_from_flags
from srvp_tf.cli import command
from srvp_tf.cli.checks import check_at_least, check_output_file
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.runs.atomic_files import replacing

QUANTIZATIONS = ("none", "float16", "dynamic_int8")


def define_flags(flag_values):
    """The flags of this command."""
    source_run.define_run_flags(flag_values)
    define_path("output", "srvp.tflite", "file to write", flag_values)
    flags.DEFINE_enum(
        "quantize", "none", QUANTIZATIONS, "how weights are kept", flag_values=flag_values
    )
    flags.DEFINE_integer("batch", 1, "videos per call", flag_values=flag_values)
    names = ("conditioning_frames", "horizon", "euler_steps", "frames_per_step")
    define_settings_flags(flag_values, names)


def main(flag_values):
    """Export; returns the exit status."""
    run = source_run.open_run(flag_values)
    settings = settings_from_flags(flag_values, run.config)
    output = Path(flag_values.output)
    check_at_least(flag_values, {"batch": 1})
    check_output_file(output)
    require("comparing the file with the Keras model", "ai_edge_litert")

    start_tensorflow(deterministic=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(output.name + ".json")
    with replacing(output) as file, replacing(beside) as description:
        errors = export(run, settings, file, description, flag_values.batch, flag_values.quantize)
        size = file.stat().st_size
    for name, error in errors.items():
        print(f"{name:28} {error}")
    print(f"wrote {output}, {size / 1e6:.1f} MB, and {beside}")
    return 0


def export(run, settings, file, description, batch_size, quantize):
    """Write a TFLite file and its metadata, and compare it with the Keras model.

    Args:
        run: a `SourceRun`.
        settings: `ExportSettings`.
        file, description: paths of the file and of its metadata.
        batch_size: B of all inputs.
        quantize: one of `QUANTIZATIONS`.

    Returns:
        Signature name -> `parity.Errors`.
    """
    from export import parity
    from export.signatures.build import build_signatures
    from export.writers import metadata
    from export.writers import tflite as tflite_writer
    from export.writers.real_frames import real_frames

    model, origin = source_run.load(run)
    num_videos = -(-parity.NUM_VIDEOS // batch_size) * batch_size
    frames, corpus = real_frames(run.config, num_videos, parity.frames_needed(settings))
    content, functions = tflite_writer.convert(model.frozen(), settings, batch_size, quantize)
    file.write_bytes(content)
    cases = parity.reference_cases(model, settings, frames, functions)
    bound = parity.BOUNDS[quantize]
    errors = parity.check(tflite_writer.load(file), cases, bound)
    signatures = build_signatures(model, settings)
    metadata.write_metadata(
        description,
        run.config,
        settings,
        source=origin,
        quantize=quantize,
        noise="input",
        signatures=metadata.describe(signatures, functions, seeded=False),
        parity=metadata.describe_parity(corpus, bound, errors),
    )
    return errors


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
