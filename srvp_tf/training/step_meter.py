"""What the steps since the last report amount to: means, speeds, and whether all is well."""

import contextlib
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from srvp_tf.config import TrainConfig
from srvp_tf.errors import UserError
from srvp_tf.training.state import Status
from srvp_tf.training.step import StepResult


class FaultCounter:
    """Counts steps in a row that were skipped through a fault, and stops the run at too many.

    Steps that a loss scale was too large for are none, as long as it can be halved. It multiplies
    gradients only, and so excuses no loss. `limit` faults in a row are borne.
    """

    def __init__(self, limit: int, in_a_row: int = 0):
        self._limit, self.in_a_row = limit, in_a_row

    def add(self, step: int, result: StepResult) -> None:
        """Note the `StepResult` of a step, in numbers; `UserError` if it is one too many."""
        if result.is_finite:
            self.in_a_row = 0
            return
        terms = {**result.mean.terms, "loss": result.mean.loss}
        term = next((name for name, x in terms.items() if not np.isfinite(x)), None)
        if term is None and result.loss_scale > 1.0:
            return
        self.in_a_row += 1
        if self.in_a_row > self._limit:
            skipped = f" after {self._limit} skipped before it" if self._limit else ""
            raise UserError(
                f"{term or 'the gradient'} is not finite at step {step}{skipped}: training "
                "stopped, the last checkpoint is kept; try a lower --learning_rate"
            )


class StepMeter:
    """Averages the results of the steps since the last reading; measures time.

    Time and faults are counted on from the `Status` that earlier processes left.
    """

    def __init__(self, config: TrainConfig, status: Status):
        self._batch_size = config.batch_size
        self.faults = FaultCounter(config.max_skipped_steps, status.skipped_in_a_row)
        self._results = []
        self._waited = 0.0
        self._since = self._started = time.monotonic()
        self._elapsed_before = status.elapsed_seconds

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Context: time spent waiting for input."""
        start = time.monotonic()
        yield
        self._waited += time.monotonic() - start

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Context: time that is not training's."""
        start = time.monotonic()
        yield
        self._since += time.monotonic() - start

    def add(self, result: StepResult) -> None:
        """Note a step's `StepResult`, without waiting for its numbers."""
        self._results.append(result)

    def elapsed(self) -> float:
        """Seconds since the run first began, over all its processes."""
        return self._elapsed_before + time.monotonic() - self._started

    def read(self, step: int) -> tuple[StepResult, dict[str, float]]:
        """(mean `StepResult`, speeds) since the last reading, which ended before `step`'s steps.

        Raises:
            UserError: more steps in a row were skipped than may be.
        """
        results = [tf.nest.map_structure(np.asarray, result) for result in self._results]
        first_step = step - len(results) + 1
        for number, result in enumerate(results, first_step):
            self.faults.add(number, result)
        applied = [result for result in results if result.is_finite] or results
        mean = tf.nest.map_structure(lambda *x: np.mean(x, axis=0), *applied)
        mean = mean._replace(learning_rate=results[-1].learning_rate)
        seconds = max(time.monotonic() - self._since, 1e-9)
        speed = {
            "clips_per_second": len(results) * self._batch_size / seconds,
            "steps_per_second": len(results) / seconds,
            "input_wait_share": self._waited / seconds,
            "skipped_steps": sum(not result.is_finite for result in results),
        }
        self._results, self._waited, self._since = [], 0.0, time.monotonic()
        return mean, speed
