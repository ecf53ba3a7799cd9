"""Numbers that are not finite: what was at fault, and when a run has had too many of them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.models.distributions import draw


class Diagnosis(NamedTuple):
    """What is known of a step that was skipped; defaults of one that was not.

    gradient: index of the trainable variable whose gradient is not finite, or else is the largest;
        -1 for none. largest_latent: the largest |y|, 0 if it was not looked at; scalar. loss_scale:
        that multiplied the loss, scalar.
    """

    gradient: tf.Tensor | int = -1
    largest_latent: tf.Tensor | float = 0.0
    loss_scale: tf.Tensor | float = 1.0


def worst_gradient(gradients, is_finite):
    """`Diagnosis.gradient` of tensors; nothing is computed if all is well."""

    def look():
        largest = tf.stack([tf.reduce_max(tf.abs(g)) for g in gradients])
        # The maximum of a tensor with a NaN may hide it; its sum does not.
        sums = tf.stack([tf.reduce_sum(g) for g in gradients])
        bad = ~(tf.math.is_finite(largest) & tf.math.is_finite(sums))
        largest = tf.where(bad, tf.cast(np.inf, largest.dtype), largest)
        return tf.argmax(largest, output_type=tf.int32)

    return tf.cond(is_finite, lambda: tf.constant(-1), look)


def largest_latent(model, outputs, noise, is_finite):
    """The largest |y| on the paths of a `Reconstruction` of `model`, scalar; 0 if all is well.

    The paths are followed again: a good step pays nothing.
    """

    def look():
        y_1 = draw(outputs.q_y1, tf.cast(noise.y_1, model.dtype))
        path = model.rollout(y_1, tf.cast(noise.z, model.dtype), outputs.q_z)
        largest = tf.maximum(tf.reduce_max(tf.abs(y_1)), tf.reduce_max(tf.abs(path.states)))
        is_number = tf.reduce_all(tf.math.is_finite(y_1))
        is_number &= tf.reduce_all(tf.math.is_finite(path.states))
        return tf.where(is_number, largest, tf.cast(np.inf, largest.dtype))

    return tf.cond(is_finite, lambda: tf.zeros([], model.dtype), look)


class FaultCounter:
    """Counts steps in a row that were skipped through a fault, and stops the run at too many.

    Steps that a loss scale was too large for are none, as long as it can be halved. It multiplies
    gradients only, and so excuses no loss.

    Args:
        limit: faults in a row that are borne.
        variable_names: of the trainable variables, in order.
        in_a_row: the count at the start.
    """

    def __init__(self, limit, variable_names=(), in_a_row=0):
        self._limit, self._names, self.in_a_row = limit, tuple(variable_names), in_a_row

    def add(self, step, result):
        """Note the `StepResult` of a step, in numbers; `UserError` if it is one too many."""
        if result.is_finite:
            self.in_a_row = 0
            return
        terms = {**result.mean.terms, "loss": result.mean.loss}
        term = next((name for name, x in terms.items() if not np.isfinite(x)), None)
        if term is None and result.diagnosis.loss_scale > 1.0:
            return
        self.in_a_row += 1
        if self.in_a_row > self._limit:
            skipped = f" after {self._limit} skipped before it" if self._limit else ""
            raise UserError(
                f"{term or self._gradient(result.diagnosis)} is not finite at step {step}"
                f"{skipped}{_latent(result.diagnosis)}: training stopped, the last checkpoint is "
                "kept; try a lower --learning_rate"
            )

    def _gradient(self, diagnosis):
        index = int(diagnosis.gradient)
        known = 0 <= index < len(self._names)
        return f"the gradient of {self._names[index]}" if known else "the gradient"


def _latent(diagnosis):
    largest = float(diagnosis.largest_latent)
    return f" (largest |y|: {largest:.3g})" if largest else ""
