import signal
import socket
import threading
import time

import pytest

from srvp_tf.errors import UserError
from srvp_tf.training import rendezvous
from srvp_tf.training.hosts import Cluster
from srvp_tf.training.rendezvous import is_listening, wait_for_all
from tests.hosts.workers import free_addresses


def test_all_return_when_the_last_one_comes():
    addresses, back, lines = tuple(free_addresses(3)), [], []

    def come(index):
        wait_for_all(Cluster(addresses, index), 30, lines.append)
        back.append(index)
        # What TensorFlow would do from here on: the late ones look for it.
        host, port = addresses[index].split(":")
        with socket.create_server((host, int(port))):
            everyone.wait(30)

    everyone = threading.Event()
    early = [threading.Thread(target=come, args=(i,)) for i in (0, 2)]
    for thread in early:
        thread.start()
    time.sleep(1.5)
    assert back == []
    late = threading.Thread(target=come, args=(1,))
    late.start()
    end = time.monotonic() + 20
    while len(back) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    everyone.set()
    for thread in [*early, late]:
        thread.join()
    assert sorted(back) == [0, 1, 2]
    waiting = f"waits for worker 1 ({addresses[1]})"
    assert {f"worker 0 {waiting}", f"worker 2 {waiting}"} <= set(lines)


def test_a_worker_that_does_not_come_is_named():
    addresses = (*free_addresses(2), "no-such-host.invalid:2222")
    with pytest.raises(UserError) as caught:
        wait_for_all(Cluster(addresses, 0), 0.5)
    line = str(caught.value)
    assert f"worker 1 ({addresses[1]}), worker 2 (no-such-host.invalid:2222) did not start" in line
    assert not is_listening(addresses[0])  # the port is free again


def test_a_taken_port_is_named(monkeypatch):
    monkeypatch.setattr(rendezvous, "PORT_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}, .* is taken by another process"):
            wait_for_all(Cluster((f"127.0.0.1:{port}", *free_addresses(1)), 0), 5)


def test_a_port_that_comes_free_is_taken():
    other = socket.create_server(("127.0.0.1", 0))
    cluster = Cluster((f"127.0.0.1:{other.getsockname()[1]}",), 0)
    threading.Timer(0.5, other.close).start()
    wait_for_all(cluster, 5)


def test_a_signal_ends_the_wait():
    def handler(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for_all(Cluster(tuple(free_addresses(2)), 0), 30)
    finally:
        signal.signal(signal.SIGALRM, previous)
