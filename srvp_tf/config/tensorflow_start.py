"""TensorFlow as this package needs it: Keras' backend, quiet, and repeatable where asked for."""

import os
import sys
from pathlib import Path

from srvp_tf.config.corpora import quiet_stderr
from srvp_tf.errors import UserError


def require_tensorflow() -> None:
    """Raise `UserError` if Keras has, or is to have, another backend than TensorFlow."""
    if keras := sys.modules.get("keras"):
        backend, way_out = keras.config.backend(), "set KERAS_BACKEND before Keras is imported"
    else:
        backend, way_out = os.environ.get("KERAS_BACKEND"), "set it so, or leave KERAS_BACKEND out"
    if backend and backend != "tensorflow":
        raise UserError(f"Keras' backend is {backend}, srvp_tf needs tensorflow: {way_out}")


def start_tensorflow(deterministic: bool) -> None:
    """Start TensorFlow, quietly; call before anything of it is used."""
    load_tensorflow()
    configure_determinism(deterministic)


def load_tensorflow() -> None:
    """Import TensorFlow without its notices; $TF_CPP_MIN_LOG_LEVEL, if set, is left as it is."""
    # Without a GPU TensorFlow's search for one is logged as an error.
    has_gpu = Path("/dev/nvidiactl").exists()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_gpu else "3")
    with quiet_stderr():
        import tensorflow  # noqa: F401


def configure_determinism(deterministic: bool) -> None:
    """Make repetition bit-equal; call before TensorFlow has started.

    On CPU the gradients of skip connections are summed in the order in which operations happen to
    end, unless one operation runs at a time (each still uses all cores).

    Raises:
        UserError: TensorFlow has started already.
    """
    if not deterministic:
        return
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
        return
    try:
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        raise UserError(
            "TensorFlow has started already, too late for --deterministic: train in a new process, "
            "or with --nodeterministic"
        ) from None
