"""The processes that train together: what they agree on, who writes, and what ends them all."""

import contextlib
import hashlib
import signal
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.models.clips import parts


class WorkerGroup:
    """All processes of a strategy. On one host it is this one alone, and nothing is exchanged.

    Every method but `losing_workers` must be called by all workers, in the same order.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy
        self.index, self.size = place_in_cluster(strategy.cluster_resolver)
        self._heard = None

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, logs and samples: exactly one does."""
        return self.index == 0

    @property
    def shard(self) -> tuple[int, int]:
        """(i, n): this worker's part of every global batch is the i-th of n equal ones."""
        return self.index, self.size

    def batch_size_in(self, dataset: tf.data.Dataset, batch_size: int) -> int:
        """`batch_size`, or that of one worker's part if a dataset's batches are so small."""
        part = batch_size // self.size
        shape = getattr(parts(getattr(dataset, "element_spec", None))[0], "shape", None)
        return part if shape is not None and shape.rank and shape[0] == part else batch_size

    def local_batches(self, dataset: tf.data.Dataset, batch_size: int) -> Iterator:
        """Iterator over the parts of the global batches that belong here, for `strategy.run`.

        The dataset has clips [B, ...] of the global batch, or this worker's part [B / size, ...].
        """
        if self.size == 1:
            return iter(self.strategy.experimental_distribute_dataset(dataset))
        if self.batch_size_in(dataset, batch_size) == batch_size:
            rows = batch_size // self.size
            first = self.index * rows
            own = slice(first, first + rows)
            dataset = dataset.map(lambda clips: tf.nest.map_structure(lambda x: x[own], clips))
        # Replicas take its elements in turn.
        dataset = dataset.rebatch(batch_size // self.strategy.num_replicas_in_sync)
        return iter(
            self.strategy.distribute_datasets_from_function(
                lambda _: dataset.prefetch(tf.data.AUTOTUNE)
            )
        )

    def check_equal(self, facts: dict[str, object]) -> None:
        """Raise `UserError`, everywhere, unless all workers give the same facts, by equal names."""
        if self.size == 1:
            return
        names, found = list(facts), self.gather(*map(_digest, facts.values()))
        for i, j in np.argwhere(found != found[0]):
            raise UserError(
                f"worker {i} and worker 0 differ in {names[j]}: start the same command "
                "everywhere, with a --run_dir that all hosts share"
            )

    @contextlib.contextmanager
    def chief_first(self) -> Iterator[None]:
        """Context whose body the others enter when the chief has left it without an error."""
        if not self.is_chief:
            self.wait()
        yield
        if self.is_chief:
            self.wait()

    def wait(self) -> None:
        """Return when all workers have called this."""
        self.gather()

    def stop_signal(self, number: int | None) -> int | None:
        """The signal to stop for after this step, the same step on all workers, or None.

        Workers that got none themselves give SIGTERM. What one of them has got is heard by all
        at the next call, so that nobody waits for the step that is being computed. `number` is
        that of the signal that this process got, or None.
        """
        if self.size == 1:
            return number
        heard, self._heard = self._heard, self._exchange(self._row(bool(number)))
        if heard is None or not heard[:, 1].numpy().any():
            return None
        self._heard = None  # this Trainer may go on some day
        return number or signal.SIGTERM

    def gather(self, *numbers) -> np.ndarray:
        """Integers of every worker, int64 [size, n], by worker; all give as many."""
        if self.size == 1:
            return np.array([numbers], np.int64)
        rows = self._exchange(self._row(*numbers)).numpy()
        # Devices are ranked by name, task 10 before task 2; each worker may have several.
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return rows[:: len(rows) // self.size, 1:]

    @contextlib.contextmanager
    def losing_workers(self, place: Callable[[], str]) -> Iterator[None]:
        """Context that puts a line over TensorFlow's error about a worker that is gone.

        `place()` is what the line says of the moment.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if self.size == 1:
                raise
            raise UserError(
                f"worker {self.index} lost another worker {place()}: start all again with the "
                f"same command, they go on from the last checkpoint\n{error.message}"
            ) from None

    def _row(self, *numbers):
        return tf.constant([[self.index, *map(int, numbers)]], tf.int64)

    @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int64)])
    def _exchange(self, row: Sequence[int]):
        def gather(row: Sequence[int]) -> np.ndarray:
            # The copy lies on the replica's device, where the gathering takes place.
            return tf.distribute.get_replica_context().all_gather(tf.identity(row), axis=0)

        return self.strategy.experimental_local_results(self.strategy.run(gather, args=(row,)))[0]


def place_in_cluster(
    resolver: tf.distribute.cluster_resolver.ClusterResolver | None,
) -> tuple[int, int]:
    """(index, size): which worker of how many a cluster resolver says that this process is."""
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    if not jobs:
        return 0, 1
    chiefs = len(jobs.get("chief", ()))
    is_worker = resolver.task_type == "worker"
    return resolver.task_id + chiefs * is_worker, chiefs + len(jobs.get("worker", ()))


def _digest(value: object):
    """An integer that another value hardly has."""
    return int.from_bytes(hashlib.sha256(repr(value).encode()).digest()[:7], "little")
