"""The models are written for TensorFlow: Keras must not have been told to use something else."""

import os
import sys

from srvp_tf.errors import UserError


def require_tensorflow() -> None:
    """Raise `UserError` if Keras has, or is to have, another backend than TensorFlow."""
    if keras := sys.modules.get("keras"):
        backend, way_out = keras.config.backend(), "set KERAS_BACKEND before Keras is imported"
    else:
        backend, way_out = os.environ.get("KERAS_BACKEND"), "set it so, or leave KERAS_BACKEND out"
    if backend and backend != "tensorflow":
        raise UserError(f"Keras' backend is {backend}, srvp_tf needs tensorflow: {way_out}")
