"""Wait until every worker of a cluster has started, where TensorFlow's own wait is deaf and mute.

TensorFlow blocks without a word until the last worker is there, and no signal handler of Python
runs meanwhile. This wait says whom it waits for, heeds Ctrl-C and SIGTERM, and gives up.
"""

import contextlib
import errno
import socket
import time
from collections.abc import Iterator

from srvp_tf.errors import UserError
from srvp_tf.training.hosts import Cluster

PATIENCE = 1800.0
"""Seconds after which a worker that has not come is given up."""
PORT_PATIENCE = 40.0
"""Seconds after which a port that is taken is given up: workers that lost another one need 20."""
_BETWEEN_LINES, _BETWEEN_TRIALS, _CONNECTION_TIMEOUT = 60.0, 0.2, 2.0
_MOST_WORKERS = 1024  # that may knock and are not let in


def wait_for_all(cluster: Cluster, patience: float = PATIENCE, say=print) -> None:
    """Return when each worker has been seen; raises `UserError` after `patience` seconds.

    Args:
      cluster: all workers, and which of them this process is.
      patience: seconds.
      say: called with a line when there is someone to wait for, and every minute from then on.
    """
    missing = {i for i in range(len(cluster.addresses)) if i != cluster.index}
    start = last_line = time.monotonic()
    said = False
    with _answering(cluster.addresses[cluster.index]):
        while missing := {i for i in missing if not is_listening(cluster.addresses[i])}:
            now, names = time.monotonic(), cluster.names(missing)
            if now - start > patience:
                raise UserError(
                    f"{names} did not start within {patience:.0f} seconds: start the same command "
                    "on every host of TF_CONFIG, and let them reach each other's ports"
                )
            if now - start > 1 and (not said or now - last_line > _BETWEEN_LINES):
                say(f"worker {cluster.index} waits for {names}")
                said, last_line = True, now
            time.sleep(_BETWEEN_TRIALS)


def is_listening(address: str, timeout: float = _CONNECTION_TIMEOUT) -> bool:
    """Whether a process takes connections at host:port, a name that is not known counting as no."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _answering(address: str) -> Iterator[None]:
    """Take connections at a port of this host, as TensorFlow will from then on."""
    with _listen(int(address.rpartition(":")[2])):
        # Nobody accepts: the kernel completes connections while its queue has room.
        yield


def _listen(port: int) -> socket.socket:
    """A socket at a port; an earlier run of the same worker may take a while to let go of it."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    end = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            return socket.create_server(
                ("", port), family=family, backlog=_MOST_WORKERS, dualstack_ipv6=both
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UserError(
                    f"port {port}, which TF_CONFIG gives to this worker, cannot be used "
                    f"({error.strerror}): choose another port"
                ) from None
            if time.monotonic() > end:
                raise UserError(
                    f"port {port}, which TF_CONFIG gives to this worker, is taken by another "
                    "process: end it, or choose another port"
                ) from None
        time.sleep(_BETWEEN_TRIALS)
