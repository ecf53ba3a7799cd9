"""What the steps since the last report amount to: means, speeds, and whether all is well."""

import contextlib
import time

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError

MAX_SKIPPED_STEPS = 50  # in a row, under a dynamic loss scale: more mean that no scale helps


class StepMeter:
    """Averages the results of the steps since the last reading; measures time.

    Args:
        config: a `TrainConfig`.
        elapsed_before: seconds that earlier processes spent on the run.
    """

    def __init__(self, config, elapsed_before=0.0):
        self._batch_size = config.batch_size
        self._is_dynamic = config.precision == "mixed_float16"
        self._results, self._skipped = [], 0
        self._waited = 0.0
        self._since = self._started = time.monotonic()
        self._elapsed_before = elapsed_before

    @contextlib.contextmanager
    def waiting(self):
        """Context: time spent waiting for input."""
        start = time.monotonic()
        yield
        self._waited += time.monotonic() - start

    @contextlib.contextmanager
    def paused(self):
        """Context: time that is not training's."""
        start = time.monotonic()
        yield
        self._since += time.monotonic() - start

    def add(self, result):
        """Note a step's `StepResult`, without waiting for its numbers."""
        self._results.append(result)

    def elapsed(self):
        """Seconds since the run first began, over all its processes."""
        return self._elapsed_before + time.monotonic() - self._started

    def read(self, step):
        """(mean `StepResult`, speeds) since the last reading, which ended before `step`'s steps."""
        results = [tf.nest.map_structure(np.asarray, result) for result in self._results]
        first_step = step - len(results) + 1
        for number, result in enumerate(results, first_step):
            self._check(number, result)
        applied = [result for result in results if result.is_finite] or results
        mean = tf.nest.map_structure(lambda *x: np.mean(x, axis=0), *applied)
        mean = mean._replace(learning_rate=results[-1].learning_rate)
        seconds = max(time.monotonic() - self._since, 1e-9)
        speed = {
            "clips_per_second": len(results) * self._batch_size / seconds,
            "steps_per_second": len(results) / seconds,
            "input_wait_share": self._waited / seconds,
            "skipped_steps": len(results) - len(applied),
        }
        self._results, self._waited, self._since = [], 0.0, time.monotonic()
        return mean, speed

    def _check(self, step, result):
        """Raise `UserError` for a step that was not applied, unless the loss scale may help.

        It multiplies the gradients alone, so it helps no loss.
        """
        self._skipped = 0 if result.is_finite else self._skipped + 1
        terms = {**result.mean.terms._asdict(), "loss": result.mean.loss}
        name = next((name for name, x in terms.items() if not np.isfinite(x)), None)
        may_help = self._is_dynamic and name is None and self._skipped < MAX_SKIPPED_STEPS
        if result.is_finite or may_help:
            return
        raise UserError(
            f"{name or 'the gradient'} is not finite at step {step}: training stopped, the last "
            "checkpoint is kept; try a lower --learning_rate"
        )
