"""The processes that train together: what they agree on, who writes, and what ends them all."""

import contextlib
import hashlib
import secrets
import signal
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from srvp_tf._version import __version__
from srvp_tf.config import config_fields
from srvp_tf.errors import UserError
from srvp_tf.training.hosts import Cluster, cluster_of
from srvp_tf.training.lost_workers import losing_workers

_VISIBLE_SECONDS = 60.0  # a network file system may show new files that late


class WorkerGroup:
    """All processes of a strategy. On one host it is this one alone, and nothing is exchanged.

    Every method but `losing_workers` must be called by all workers, in the same order.

    Args:
        strategy: of `tf.distribute`.
    """

    def __init__(self, strategy):
        self.strategy = strategy
        self.cluster = _cluster(strategy)
        self._someone_stops = None

    @property
    def size(self):
        """Number of workers."""
        return len(self.cluster.addresses)

    @property
    def is_chief(self):
        """Whether this process writes checkpoints, logs and samples: exactly one does."""
        return self.cluster.index == 0

    @property
    def shard(self):
        """(i, n): this worker's part of every global batch is the i-th of n equal ones."""
        return self.cluster.index, self.size

    def batch_size_in(self, dataset, batch_size):
        """`batch_size`, or that of one worker's part if a dataset's batches are so small."""
        part = batch_size // self.size
        shape = getattr(getattr(dataset, "element_spec", None), "shape", None)
        return part if shape is not None and shape.rank and shape[0] == part else batch_size

    def local_batches(self, dataset, batch_size):
        """Iterator over the parts of the global batches that belong here, for `strategy.run`.

        Args:
            dataset: clips [B, ...] of the global batch, or this worker's part [B / size, ...] only.
            batch_size: B.
        """
        if self.size == 1:
            return iter(self.strategy.experimental_distribute_dataset(dataset))
        rows = batch_size // self.size
        first = self.cluster.index * rows
        is_whole = self.batch_size_in(dataset, batch_size) == batch_size
        mine = dataset.map(lambda clips: clips[first : first + rows]) if is_whole else dataset
        # TensorFlow's own distribution hands whole batches to each worker in turn, or other rows.
        return map(self._to_replicas, mine.prefetch(tf.data.AUTOTUNE))

    def _to_replicas(self, clips):
        local = self.strategy.num_replicas_in_sync // self.size
        parts = tf.split(clips, local)
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.identity(parts[context.replica_id_in_sync_group % local])
        )

    def agree_on_settings(self, config):
        """`agree` on a `Config` and on the versions of what computes with it."""
        settings = {
            f"--{spec.name}": getattr(getattr(config, section), spec.name)
            for section, spec in config_fields()
        }
        self.agree(settings | {"srvp-tf": __version__, "TensorFlow": tf.__version__})

    def agree(self, facts):
        """Raise `UserError`, everywhere, unless all workers give the same facts.

        Args:
            facts: what a fact is called -> its value, the names being the same everywhere.
        """
        if self.size == 1:
            return
        names = list(facts)
        digests = [_digest(name, facts[name]) for name in names]
        # Lists of other lengths would not fit together: whether they will is the first question.
        alike = self._gather([_digest(*names)])
        found = self._gather(digests if (alike == alike[0]).all() else [0])
        others = [i for i in range(self.size) if (found[i] != found[0]).any()]
        if not (alike == alike[0]).all():
            raise UserError("the workers run different versions of srvp-tf: install the same")
        if others:
            differing = [name for j, name in enumerate(names) if (found[:, j] != found[0, j]).any()]
            raise UserError(
                f"{self.cluster.names(others)} and worker 0 differ in "
                f"{', '.join(differing[:5])}: start the same command everywhere"
            )

    @contextlib.contextmanager
    def chief_first(self):
        """Context whose body the others enter when the chief has left it without an error."""
        if not self.is_chief:
            self.wait()
        yield
        if self.is_chief:
            self.wait()

    def wait(self):
        """Return when all workers have called this."""
        if self.size > 1:
            self._gather([0])

    def share_folder(self, folder):
        """Raise `UserError`, everywhere, unless all workers see what the chief writes there."""
        if self.size == 1:
            return
        token = int(self._gather([secrets.randbits(62)])[0, 0])
        path = Path(folder, f".shared-{token}.tmp")  # a leftover's name: a kill leaves no trace
        if self.is_chief:
            path.touch()
        self.wait()
        sees = _wait_for_file(path)
        blind = np.flatnonzero(self._gather([sees])[:, 0] == 0)
        if self.is_chief:
            path.unlink(missing_ok=True)
        if blind.size:
            raise UserError(
                f"{self.cluster.names(blind)} cannot see what worker 0 writes in {folder}: "
                "--run_dir must be a folder that all hosts share"
            )

    def stop_signal(self, number):
        """The signal to stop for after this step, the same step on all workers, or None.

        Workers that got none themselves give SIGTERM. What one of them has got is heard by all
        at the next call, so that nobody waits for the step that is being computed.

        Args:
            number: of the signal that this process got, or None.
        """
        if self.size == 1:
            return number
        heard, self._someone_stops = self._someone_stops, self._count(tf.constant(bool(number)))
        return self._to_stop_for(number, heard is not None and heard.numpy() > 0)

    def confer(self, number, *chief_says):
        """`stop_signal` at once, and the integers that the chief has given."""
        if self.size == 1:
            return number, chief_says
        rows = self._gather([bool(number), *chief_says])
        return self._to_stop_for(number, rows[:, 0].any()), rows[0, 1:].tolist()

    def _to_stop_for(self, number, someone_stops):
        if not someone_stops:
            return None
        self._someone_stops = None  # this Trainer may go on some day
        return number or signal.SIGTERM

    def losing_workers(self, place):
        """Context that turns TensorFlow's errors about lost workers into one line.

        Args:
            place: function without arguments that returns what the line says of the moment.
        """
        return losing_workers(self.cluster, place) if self.size > 1 else contextlib.nullcontext()

    @tf.function
    def _count(self, wish):
        """How many replicas have a wish."""

        def total():
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(wish, tf.float32))

        return self.strategy.experimental_local_results(self.strategy.run(total))[0]

    def _gather(self, numbers):
        """Integers of every worker, int64 [size, n], by worker; all give as many."""
        rows = self._exchange(
            tf.constant([[self.cluster.index, *map(int, numbers)]], tf.int64)
        ).numpy()
        # Devices are ranked by name, task 10 before task 2; each worker may have several.
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return rows[:: len(rows) // self.size, 1:]

    @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int64)])
    def _exchange(self, row):
        """The rows of all replicas: [replicas, n]."""

        def gather(row):
            # The copy lies on the replica's device, where the gathering takes place.
            return tf.distribute.get_replica_context().all_gather(tf.identity(row), axis=0)

        return self.strategy.experimental_local_results(self.strategy.run(gather, args=(row,)))[0]


def _cluster(strategy):
    resolver = strategy.cluster_resolver
    if resolver is None:
        return Cluster(("this host",), 0)
    jobs = resolver.cluster_spec().as_dict()
    return cluster_of(jobs, resolver.task_type, resolver.task_id)


def _digest(*values):
    """An integer that other values hardly share."""
    digest = hashlib.sha256(repr(values).encode()).digest()
    return int.from_bytes(digest[:7], "little")


def _wait_for_file(path):
    """Whether a file is there, given the time that network file systems take."""
    end = time.monotonic() + _VISIBLE_SECONDS
    while not path.exists():
        if time.monotonic() > end or not path.parent.exists():
            return False
        time.sleep(0.2)
    return True
