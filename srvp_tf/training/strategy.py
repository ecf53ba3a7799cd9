"""Where training runs: the one place that looks at devices and hosts."""

import contextlib
import functools
import os
import signal

import tensorflow as tf

from srvp_tf.config.tensorflow_start import quiet_stderr
from srvp_tf.errors import UserError
from srvp_tf.training.worker_group import place_in_cluster

_EXAMPLE = (
    """'{"cluster": {"worker": ["host0:2222", "host1:2222"]}, """
    """"task": {"type": "worker", "index": 0}}'"""
)


def make_strategy() -> tf.distribute.Strategy:
    """The strategy of a training run: all hosts of `TF_CONFIG`, else this one.

    With several hosts, call it before anything of TensorFlow has run; it waits for all of them.

    Raises:
        UserError: `TF_CONFIG` cannot be used.
    """
    if not os.environ.get("TF_CONFIG"):
        return local_strategy()
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        index, size = place_in_cluster(resolver)
        if size == 1:
            return local_strategy()
        print(f"worker {index} joins {size - 1} other{'s' * (size > 2)}", flush=True)
        # TensorFlow 2.20 announces its server.
        with _signals_that_need_no_python(), quiet_stderr():
            return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except (AttributeError, LookupError, TypeError, ValueError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"TF_CONFIG cannot be used ({reason}): unset it, or set it like {_EXAMPLE}"
        ) from None


def local_strategy() -> tf.distribute.Strategy:
    """All visible GPUs of this host, else all CPU devices."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return mirrored_strategy(*(device.name for device in devices))


@contextlib.contextmanager
def _signals_that_need_no_python():
    """Context in which SIGINT and SIGTERM end the process as they do by default.

    TensorFlow's wait for the other workers holds Python's lock, so that no handler of Python runs;
    and it takes SIGTERM for itself, and does nothing with it.
    """
    before = {}
    with contextlib.suppress(ValueError):  # not the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@functools.cache
def mirrored_strategy(*devices) -> tf.distribute.MirroredStrategy:
    """The `MirroredStrategy` of these device names: one for all uses in a process.

    Each strategy numbers its reductions from the start: TensorFlow would take those of a second one
    over the same devices for the first one's, and fail where their shapes differ.
    """
    return tf.distribute.MirroredStrategy(devices)


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """Raise `UserError` unless the global batch can be cut into equal parts, one per replica."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"--batch_size={batch_size} is not a multiple of the {replicas} devices: "
            f"use {max(batch_size // replicas, 1) * replicas}"
        )
