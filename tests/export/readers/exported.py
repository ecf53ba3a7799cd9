"""What the exporters wrote of the small models, and what the Keras models answer."""

import functools

from export import parity, saved_model, tflite
from tests.export import small_export
from tests.export.small_export import SETTINGS

BATCH = 2
TFLITE_SETTINGS = ("conditioning_frames", "horizon", "euler_steps", "frames_per_step")


@functools.cache
def cases(kind):
    """Signature name -> `parity.Case` of as many videos as the commands compare."""
    videos = small_export.videos(kind, parity.NUM_VIDEOS)
    frames = videos[:, : parity.frames_needed(SETTINGS[kind])]
    return parity.reference_cases(small_export.model(kind), SETTINGS[kind], frames)


@functools.cache
def noise_inputs(kind):
    """A folder with a SavedModel per signature, whose noise is an input."""
    output = small_export.new_folder() / "srvp"
    arguments = f"--output_dir={output}", "--noise_inputs", *small_export.settings_flags(kind)
    assert (
        small_export.call(saved_model, f"--run_dir={small_export.run_dir(kind)}", *arguments) == 0
    )
    return output / "1"


@functools.cache
def tflite_file(kind):
    """A TFLite file of all signatures that it may have."""
    path = small_export.new_folder() / "srvp.tflite"
    settings = [f"--{name}={getattr(SETTINGS[kind], name)}" for name in TFLITE_SETTINGS]
    arguments = f"--run_dir={small_export.run_dir(kind)}", f"--output={path}", f"--batch={BATCH}"
    assert small_export.call(tflite, *arguments, *settings) == 0
    return path
