"""Real processes of `srvp_tf.train` on the loopback interface, joined by `TF_CONFIG`."""

import contextlib
import json
import socket

from tests.reliability.runs import DEADLINE, newest_step, start, wait_until


def free_addresses(count):
    """Addresses 127.0.0.1:port that nobody listens at."""
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in held]


class Workers:
    """`count` workers of one run; a context that leaves no process behind.

    Args:
        count: of workers.
        run_dir: the run folder, or one per worker.
        flags: put over the tiny run's.
        own_flags: worker -> flags of its own.
    """

    def __init__(self, count, run_dir, *flags, own_flags=None):
        cluster, self.results = {"worker": free_addresses(count)}, {}
        self.folders = run_dir if isinstance(run_dir, list) else count * [run_dir]
        self.processes = []
        for index, folder in enumerate(self.folders):
            place = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            own = (own_flags or {}).get(index, ())
            self.processes.append(start(folder, *flags, *own, TF_CONFIG=json.dumps(place)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.communicate()

    def finish(self, *indices):
        """(status, standard output, standard error) of some workers, or of all, at their end."""
        for i in indices or range(len(self.processes)):
            if i not in self.results:
                out, err = self.processes[i].communicate(timeout=DEADLINE)
                self.results[i] = (self.processes[i].returncode, out, err)
        return [self.results[i] for i in indices or range(len(self.processes))]

    def wait_for_checkpoint(self, step):
        """Return when a checkpoint of `step` or later is there; all workers must be alive."""
        assert wait_until(lambda: newest_step(self.folders[0]) >= step, *self.processes)
