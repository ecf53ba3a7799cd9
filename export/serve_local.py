"""Serve a model on this machine: `python -m export.serve_local --model_dir=models/srvp`.

A stand-in for TensorFlow Serving, for tests and for trying things out. Not for production: it has
no batching, encryption or monitoring. Version policy and labels come from TensorFlow Serving's own
model configuration; new version folders are noticed as they appear.
"""

import threading
from pathlib import Path

from absl import flags

from export.extras import require
from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError

_SHIPPED_CONFIG = Path(__file__).parent / "deploy" / "model.config"


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""

    def text(name: str, default: str | None, help: str):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def number(name: str, default: int, help: str, least: int = 0):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    define_path("model_dir", None, "folder that holds the version folders 1, 2, ...", flag_values)
    text("model_name", "srvp", "what clients call the model")
    policy = "version policy and labels; by default those of deploy/"
    define_path("model_config_file", None, policy, flag_values)
    text("host", "127.0.0.1", "address to listen on; by default this machine alone can connect")
    number("grpc_port", 8500, "port for gRPC; 0: any free one")
    number("rest_port", 8501, "port for REST; 0: any free one")
    number("workers", 4, "requests computed at a time, per interface", 1)
    number("max_message_mib", 64, "largest request", 1)


def main(flag_values: flags.FlagValues) -> None:
    """Serve until stopped."""
    if not flag_values.model_dir:
        raise UserError("--model_dir is missing: name the folder that holds the version folders")
    require("serving", "aiohttp", "grpc", "orjson", "tensorflow_serving")
    start_tensorflow(deterministic=False)
    from export.local_server.server import LocalServer
    from export.local_server.version_policy import VersionPolicy, read_policy

    name = flag_values.model_name
    config = flag_values.model_config_file or (_SHIPPED_CONFIG if name == "srvp" else None)
    policy = read_policy(config, name) if config else VersionPolicy()
    server = LocalServer(
        Path(flag_values.model_dir),
        name,
        policy,
        host=flag_values.host,
        grpc_port=flag_values.grpc_port,
        rest_port=flag_values.rest_port,
        workers=flag_values.workers,
        max_message_bytes=flag_values.max_message_mib << 20,
    )
    with server:
        print(
            f"serving {name}: gRPC {server.grpc_address}, REST {server.rest_url}; "
            "a stand-in for TensorFlow Serving, not for production",
            flush=True,
        )
        threading.Event().wait()


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
