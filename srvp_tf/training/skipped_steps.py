"""Steps that are skipped, as a number of theirs was not finite: when a run has had too many."""

import numpy as np

from srvp_tf.errors import UserError
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
