"""Who is blamed. The texts are TensorFlow's own, as killed and frozen workers caused them."""

import contextlib
import socket

import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.training.hosts import Cluster
from srvp_tf.training.lost_workers import losing_workers
from tests.hosts.workers import free_addresses

UNHEALTHY = (
    "Collective ops is aborted by: Error reported from /job:worker/task:1: The following tasks are "
    "unhealthy (stopped sending heartbeats):\n/job:worker/replica:0/task:1\nThe tasks have crashed."
)
RESET = (
    "Collective ops is aborted by: recvmsg:Connection reset by peer\nAdditional GRPC error "
    "information from remote target /job:worker/replica:0/task:3 while calling "
    "/tensorflow.WorkerService/RecvBuf:\n:UNKNOWN:Error received from peer"
)
PASSED_ON = (
    f"{RESET}\nAdditional GRPC error information from remote target /job:worker/replica:0/task:0 "
    f"while calling /tensorflow.WorkerService/RecvBuf:\n:UNKNOWN: {RESET}"
)
NO_CHIEF = (
    "Collective ops is aborted by: Deadline Exceeded\n\nRPC: "
    "/tensorflow.CoordinationService/Heartbeat"
)
NOBODY = "Collective ops is aborted by: Socket closed"


def line_of(error, cluster):
    with pytest.raises(UserError) as caught, losing_workers(cluster, lambda: "at step 7"):
        raise error
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def four():
    """Addresses of four workers that take connections."""
    with contextlib.ExitStack() as servers:
        held = [servers.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        yield tuple(f"127.0.0.1:{server.getsockname()[1]}" for server in held)


@pytest.mark.parametrize(
    ("text", "index", "blamed"),
    [(UNHEALTHY, 0, 1), (RESET, 0, 3), (PASSED_ON, 1, 3), (NO_CHIEF, 2, 0)],
)
def test_the_error_names_the_worker(four, text, index, blamed):
    for kind in (tf.errors.UnavailableError, tf.errors.InternalError):
        assert line_of(kind(None, None, text), Cluster(four, index)) == (
            f"lost worker {blamed} ({four[blamed]}) at step 7: what it printed says why; start all "
            "workers again with the same command, they go on from the last checkpoint"
        )


def test_who_is_gone_is_named_beside_who_ended_because_of_it(four):
    (gone,) = free_addresses(1)
    cluster = Cluster((*four[:2], gone, four[3]), 1)
    line = line_of(tf.errors.UnavailableError(None, None, RESET), cluster)
    assert f"lost worker 2 ({gone}), worker 3 ({four[3]}) at step 7" in line


def test_a_worker_hears_that_it_is_taken_for_dead():
    error = tf.errors.UnavailableError(None, None, UNHEALTHY)
    assert line_of(error, Cluster(("a:1", "b:1"), 1)) == (
        "the others gave up worker 1 at step 7, it was silent too long; start all workers again "
        "with the same command, they go on from the last checkpoint"
    )


def test_a_chief_of_its_own_job_counts_first():
    cluster = Cluster(("a:1", "b:1", "c:1"), 0, chiefs=1)
    assert "lost worker 2 (c:1) " in line_of(tf.errors.AbortedError(None, None, UNHEALTHY), cluster)
    chief = UNHEALTHY.replace("/job:worker/replica:0/task:1", "/job:chief/replica:0/task:0")
    assert "lost worker 0 (a:1) " in line_of(
        tf.errors.AbortedError(None, None, chief), cluster._replace(index=1)
    )


def test_without_a_name_it_is_who_takes_no_connection():
    with socket.create_server(("127.0.0.1", 0)) as alive:
        addresses = (f"127.0.0.1:{alive.getsockname()[1]}", *free_addresses(2))
        error = tf.errors.UnavailableError(None, None, NOBODY)
        assert f"lost worker 2 ({addresses[2]}) at" in line_of(error, Cluster(addresses, 1))
        assert "lost another worker at" in line_of(error, Cluster(addresses[:1] + ("x:1",), 1))


@pytest.mark.parametrize("error", [tf.errors.InternalError(None, None, "a bug"), ValueError("bug")])
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as caught, losing_workers(Cluster(("a:1", "b:1"), 0), str):
        raise error
    assert caught.value is error
