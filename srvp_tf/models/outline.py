"""Models whose weights have names, shapes and types, but no values."""

import keras
from keras.src.backend.common import global_state  # what is needed of it has no public name

from srvp_tf.models.srvp import SRVP

_WAITING = "uninitialized_variables"


def outline(config):
    """An `SRVP` of a `ModelConfig` that takes no memory to speak of, and cannot be called."""
    # Keras keeps weights without values in a list, to give them some in its next scope.
    before = global_state.get_global_attribute(_WAITING)
    global_state.set_global_attribute(_WAITING, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            return SRVP(config)
    finally:
        global_state.set_global_attribute(_WAITING, before)
