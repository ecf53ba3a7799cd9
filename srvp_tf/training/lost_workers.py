"""A worker died: what the others say before they end."""

import contextlib
import re

import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.training.rendezvous import is_listening

_TASK = re.compile(r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)")
_FAILURES = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


@contextlib.contextmanager
def losing_workers(cluster, place):
    """Context that turns errors about lost workers into a `UserError` that names them.

    TensorFlow notices a worker that is gone at once or, as one that does not answer, by its
    `heartbeats`.

    Args:
        cluster: the `Cluster`.
        place: function without arguments that returns what the line says of the moment.
    """
    try:
        yield
    except tf.errors.OpError as error:
        text = str(error)
        if not isinstance(error, _FAILURES) and "Collective ops is aborted" not in text:
            raise
        lost = _lost(cluster, text)
        if cluster.index in lost:
            what = f"the others gave up worker {cluster.index} {place()}, it was silent too long"
        else:
            names = cluster.names(lost) if lost else "another worker"
            what = f"lost {names} {place()}: what it printed says why"
        raise UserError(
            f"{what}; start all workers again with the same command, they go on from the last "
            "checkpoint"
        ) from None


def _lost(cluster, text):
    """Indices of the workers that an error blames, and of those that take no connection."""

    def blamed(text):
        return [
            int(task) + (cluster.chiefs if job == "worker" else 0)
            for job, task in _TASK.findall(text)
        ]

    if unhealthy := blamed(text.partition("unhealthy")[2]):  # the chief's own finding
        return set(unhealthy)
    # Passed on from worker to worker, an error names them all, the cause first; but one that heard
    # of it early may have ended by now, and be the only one that this worker hears of.
    first = [0] if "CoordinationService/Heartbeat" in text else blamed(text)[:1]
    others = {*range(len(cluster.addresses))} - {cluster.index}
    return {*first, *(i for i in others if not is_listening(cluster.addresses[i]))}
