"""Adam as published, its learning rate, and the scale of float16 losses, for Trainer and `fit`."""

import keras
import tensorflow as tf


def learning_rate(step: tf.Tensor, peak: float, burnin: int, decay: int) -> tf.Tensor:
    """Rate of training step `step` >= 1: `peak` for `burnin` steps, then linear to 0 over `decay`.

    The last step, burnin + decay, has rate 0.
    """
    elapsed = tf.cast(tf.maximum(step - burnin, 0), tf.float64)
    return peak * (1.0 - elapsed / max(decay, 1))


@keras.saving.register_keras_serializable("srvp_tf")
class PublishedAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba, algorithm 1), with epsilon added to the bias-corrected root.

    Keras' Adam adds it to the uncorrected root, which is up to 30 times larger an epsilon in the
    first steps; and it updates a variable by some ten operations, where TensorFlow has one kernel.
    Arguments as Keras', with the published defaults.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 3e-4,
        epsilon: float = 1e-8,
        name: str = "adam",
        **options,
    ):
        super().__init__(learning_rate, epsilon=epsilon, name=name, **options)

    def update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor | keras.Variable,
    ) -> None:
        """Update one `tf.Variable` and its moments."""
        self.update(variable, gradient, *self.corrected(learning_rate, variable.dtype))

    def corrected(
        self, learning_rate: tf.Tensor | keras.Variable, dtype: tf.DType | str
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """(rate, epsilon) of the next step, with the bias corrections moved into them.

        (m / c_1) / (sqrt(v / c_2) + epsilon) is m / (sqrt(v) + epsilon sqrt(c_2)) sqrt(c_2) / c_1.
        """
        t = tf.cast(self.iterations + 1, tf.float64)
        # The corrections are of the betas as the kernel has them, rounded to the variables' dtype.
        betas = (tf.cast(tf.constant(b, dtype), tf.float64) for b in (self.beta_1, self.beta_2))
        correction_1, correction_2 = (1.0 - beta**t for beta in betas)
        rate = tf.cast(learning_rate, tf.float64) * tf.sqrt(correction_2) / correction_1
        return tf.cast(rate, dtype), tf.cast(self.epsilon * tf.sqrt(correction_2), dtype)

    def update(
        self, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor, epsilon: tf.Tensor
    ) -> None:
        """Update one `tf.Variable` and its moments, by what `corrected` gave."""
        dtype, index = variable.dtype, self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.constant(0.0, dtype),
            beta2_power=tf.constant(0.0, dtype),
            lr=rate,
            beta1=tf.constant(self.beta_1, dtype),
            beta2=tf.constant(self.beta_2, dtype),
            epsilon=epsilon,
            grad=tf.cast(gradient, dtype),
        )


@keras.saving.register_keras_serializable("srvp_tf")
class PublishedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate` as a schedule of Keras' optimizers: `peak`, then linear to 0."""

    def __init__(self, peak: float = 3e-4, burnin: int = 1_000_000, decay: int = 100_000):
        self.peak, self.burnin, self.decay = peak, burnin, decay

    def __call__(self, step: tf.Tensor | keras.Variable):
        done = tf.cast(step, tf.int64)  # Keras counts from 0
        return learning_rate(done + 1, self.peak, self.burnin, self.decay)

    def get_config(self) -> dict:
        return {"peak": self.peak, "burnin": self.burnin, "decay": self.decay}


class LossScale:
    """Scale of the loss that keeps float16 gradients from vanishing (Micikevicius et al., 2018).

    Keras' `LossScaleOptimizer` skips steps unseen by the guard that all precisions share.

    Dynamic: halved, never below 1, after a step whose gradients are not finite; doubled after
    `GROWTH_INTERVAL` good steps in a row. Otherwise 1, and nothing is computed.
    """

    INITIAL, MAXIMUM, GROWTH_INTERVAL = 2.0**15, 2.0**24, 2000

    def __init__(self, dynamic: bool):
        self.dynamic = dynamic
        if dynamic:
            self.value = tf.Variable(self.INITIAL, trainable=False, name="loss_scale/value")
            self.good_steps = tf.Variable(
                0, dtype=tf.int64, trainable=False, name="loss_scale/good_steps"
            )

    @property
    def variables(self) -> list[tf.Variable]:
        """The state to save: none if not dynamic."""
        return [self.value, self.good_steps] if self.dynamic else []

    def current(self) -> tf.Tensor:
        """The scale that the next loss is multiplied by, a scalar tensor."""
        return tf.identity(self.value) if self.dynamic else tf.constant(1.0)

    def scale(self, loss: tf.Tensor) -> tf.Tensor:
        """loss * scale."""
        return loss * self.value if self.dynamic else loss

    def unscale(self, gradient: tf.Tensor) -> tf.Tensor:
        """gradient / scale."""
        return gradient / self.value if self.dynamic else gradient

    def update(self, is_finite: tf.Tensor) -> None:
        """Learn from whether the step's numbers were finite."""
        if not self.dynamic:
            return
        good_steps = tf.where(is_finite, self.good_steps + 1, 0)
        grows = good_steps >= self.GROWTH_INTERVAL
        factor = tf.where(is_finite, tf.where(grows, 2.0, 1.0), 0.5)
        self.value.assign(tf.clip_by_value(self.value * factor, 1.0, self.MAXIMUM))
        self.good_steps.assign(tf.where(grows, tf.zeros_like(good_steps), good_steps))
