"""Ask a served model: `python -m export.client predict --server=host:8500 --input=clip.mp4`.

    predict     the first frames of the input are sent at once; the futures come back
    stream      they are encoded once; then frames are observed and predicted one at a time
    metadata    what the model takes and gives

--server=host:8500 is gRPC, --server=http://host:8501 is REST. The library: `export.client.Client`.
"""

import sys

from absl import flags

from export.client import Client
from export.client.actions import check_output, predict, print_metadata, stream
from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

ACTIONS = {"predict": predict, "stream": stream, "metadata": print_metadata}
_NOT_FOR = {  # flag -> the actions that it would mean nothing to
    "signature": ("stream",),
    "num_samples": ("stream",),
    "observe": ("predict",),
    "horizon": ("predict",),
}


def define_flags(flag_values):
    """The flags of this command."""

    def text(name, default, help):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def number(name, default, help, least=0):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    text("server", "localhost:8500", "host:port for gRPC, http://host:port for REST")
    text("model", "srvp", "name of the model on the server")
    number("version", None, "version of the model; by default the newest one")
    text("label", None, "label of a version, such as stable")
    flags.DEFINE_float("timeout", 60.0, "seconds for each call", flag_values=flag_values)
    flags.DEFINE_bool("rows", False, "REST in row form (instances)", flag_values=flag_values)
    define_path("input", None, "video, GIF, .npz, or folder of images", flag_values)
    define_path(
        "output", "future.gif", "file to write: .gif, .mp4, .webm, .png or .npz", flag_values
    )
    text("signature", None, "predict: which one; by default that for the number of samples")
    number("num_samples", 1, "predict: futures to draw, by default 1 or all of --signature", 1)
    number("seed", 0, "seed of the futures")
    number("first_frame", 0, "frame of the input to begin at, from 0")
    number("observe", 0, "stream: frames of the input to observe one at a time before predicting")
    number("horizon", 10, "stream: frames to predict", 1)


def main(flag_values, action):
    """Carry out one of `ACTIONS`."""
    if action != "metadata" and not flag_values.input:
        raise UserError("--input is missing: name a video, a GIF, an .npz or a folder of images")
    for name, others in _NOT_FOR.items():
        if action in others and flag_values[name].present:
            raise UserError(f"--{name} is not for {action}: leave it out")
    check_output(flag_values.output)
    # Quietly, for gRPC's messages and for reading videos.
    start_tensorflow(deterministic=False)
    with Client(
        flag_values.server,
        flag_values.model,
        flag_values.version,
        flag_values.label,
        flag_values.timeout,
        flag_values.rows,
    ) as client:
        ACTIONS[action](client, flag_values)


def run(argv=None):
    """Take the action off the command line, parse the rest, and exit."""
    arguments = sys.argv if argv is None else argv
    action = arguments.pop(1) if len(arguments) > 1 and not arguments[1].startswith("-") else None

    def chosen(flag_values):
        if action not in ACTIONS:
            raise UserError(f"say what to do: {', '.join(ACTIONS)}, before all flags")
        main(flag_values, action)

    command.run(chosen, argv, define_flags=define_flags)


if __name__ == "__main__":
    run()
