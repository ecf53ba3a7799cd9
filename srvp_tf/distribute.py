"""Where training runs: the one place that looks at devices and hosts."""

import functools
import os

import tensorflow as tf

from srvp_tf.errors import UserError


def configure_determinism(deterministic):
    """Make repetition bit-equal; call before TensorFlow has started.

    On CPU the gradients of skip connections are summed in the order in which operations happen to
    end, unless one operation runs at a time (each still uses all cores).
    """
    if not deterministic:
        return
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


def make_strategy():
    """All hosts of `TF_CONFIG` if it is set, else all visible GPUs, else all CPU devices."""
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return mirrored_strategy(*(device.name for device in devices))


@functools.cache
def mirrored_strategy(*devices):
    """The `MirroredStrategy` of these device names: one for all uses in a process.

    Each strategy numbers its reductions from the start: TensorFlow would take those of a second one
    over the same devices for the first one's, and fail where their shapes differ.
    """
    return tf.distribute.MirroredStrategy(devices)


def check_batch_size(batch_size, strategy):
    """Raise `UserError` unless the global batch can be cut into equal parts, one per replica."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"--batch_size={batch_size} is not a multiple of the {replicas} devices: "
            f"use {max(batch_size // replicas, 1) * replicas}"
        )
