"""Packages that only parts of `export` need."""

import importlib.util

from srvp_tf.errors import UserError

_EXTRAS = {  # module -> (the package that has it, the extra of setup.py that installs it)
    "aiohttp": ("aiohttp", "serving"),
    "grpc": ("grpcio", "serving"),
    "orjson": ("orjson", "serving"),
    "tensorflow_serving": ("tensorflow-serving-api", "serving"),
    "ai_edge_litert": ("ai-edge-litert", "tflite"),
}


def require(purpose: str, *modules: str, otherwise: str = "") -> None:
    """Raise `UserError` unless modules in `_EXTRAS` are installed; loads none of them.

    `purpose`, what needs them, begins its sentence; `otherwise`, how to do without, ends it.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            package, extra = _EXTRAS[module]
            raise UserError(f"{purpose} needs {package}: pip install '.[{extra}]'{otherwise}")
