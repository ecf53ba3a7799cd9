"""Ask a served model: `python -m export.client predict --server=host:8500 --input=clip.mp4`.

    predict     the first frames of the input are sent at once; the futures come back
    stream      they are encoded once; then frames are observed and predicted one at a time
    metadata    what the model takes and gives

--server=host:8500 is gRPC, --server=http://host:8501 is REST. The library: `export.client.Client`.
"""

import sys
from pathlib import Path
from typing import NoReturn

from absl import flags

from export.client import Client
from export.client.actions import check_flags, predict, print_metadata, stream
from srvp_tf.cli import command
from srvp_tf.cli.checks import check_video_file
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

_ACTIONS = {"predict": predict, "stream": stream, "metadata": print_metadata}


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""

    def text(name: str, default: str | None, help: str):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def number(name: str, default: int | None, help: str, least: int = 0):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    text("server", "localhost:8500", "host:port for gRPC, http://host:port for REST")
    text("model", "srvp", "name of the model on the server")
    number("version", None, "version of the model; by default the newest one")
    text("label", None, "label of a version, such as stable")
    flags.DEFINE_float("timeout", 60.0, "seconds for each call", flag_values=flag_values)
    flags.DEFINE_bool("rows", False, "REST in row form (instances)", flag_values=flag_values)
    define_path("input", None, "video, GIF, .npz, or folder of images", flag_values)
    text_of_output = "file to write: .gif, .mp4, .webm, .png or .npz"
    define_path("output", "future.gif", text_of_output, flag_values)
    text("signature", None, "predict: which one; by default that for the number of samples")
    number("num_samples", 1, "predict: futures to draw, by default 1 or all of --signature", 1)
    number("seed", 0, "seed of the futures")
    number("first_frame", 0, "frame of the input to begin at, from 0")
    number("observe", 0, "stream: frames of the input to observe one at a time before predicting")
    number("horizon", 10, "stream: frames to predict", 1)
    table = "of a model with actions: .csv or .npy, a row per interval, those of given frames first"
    define_path("actions", None, table, flag_values)


def main(flag_values: flags.FlagValues, action: str) -> None:
    """Carry out an action: "predict", "stream" or "metadata"."""
    check_flags(action, flag_values)
    check_video_file(Path(flag_values.output))
    start_tensorflow(deterministic=False)  # quietly, for gRPC and for reading videos
    where = ("server", "model", "version", "label", "timeout", "rows")
    with Client(*(flag_values[name].value for name in where)) as client:
        _ACTIONS[action](client, flag_values)


def run_client(argv: list[str] | None = None) -> NoReturn:
    """Take the action off the command line, parse the rest, and exit."""
    arguments = sys.argv if argv is None else argv
    action = arguments.pop(1) if len(arguments) > 1 and not arguments[1].startswith("-") else None

    def chosen(flag_values: flags.FlagValues) -> None:
        if action not in _ACTIONS:
            raise UserError(f"say what to do: {', '.join(_ACTIONS)}, before all flags")
        main(flag_values, action)

    command.run(chosen, argv, define_flags=define_flags)


if __name__ == "__main__":
    run_client()
