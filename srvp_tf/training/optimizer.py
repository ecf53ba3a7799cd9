"""Adam as published, its learning rate, and the scale of float16 losses."""

import keras
import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def learning_rate(step, peak, burnin, decay):
    """Rate of training step `step` >= 1: `peak` for `burnin` steps, then linear to 0 over `decay`.

    The last step, burnin + decay, has rate 0 (section 4).
    """
    elapsed = tf.cast(tf.maximum(step - burnin, 0), tf.float64)
    return peak * (1.0 - elapsed / max(decay, 1))


class Adam:
    """Adam (Kingma and Ba, algorithm 1), with epsilon added to the bias-corrected root.

    Keras adds it to the uncorrected one, which is up to 30 times larger an epsilon in the first
    steps. One fused kernel updates each variable.

    Args:
        variables: the `tf.Variable`s to train; slots are made beside them, under their strategy.
    """

    def __init__(self, variables):
        self.variables = list(variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="adam/step")
        self.first_moments = [self._slot(v, "first_moment") for v in self.variables]
        self.second_moments = [self._slot(v, "second_moment") for v in self.variables]

    @staticmethod
    def _slot(variable, name):
        with tf.distribute.get_strategy().extended.colocate_vars_with(variable):
            return tf.Variable(tf.zeros_like(variable), trainable=False, name=name)

    def apply(self, gradients, rate, unscale=lambda gradient: gradient):
        """Update every variable; call in the cross-replica context with reduced gradients.

        `unscale` is applied to each gradient where it is used.
        """
        strategy = tf.distribute.get_strategy()
        self.step.assign_add(1)
        t = tf.cast(self.step, tf.float64)
        # The corrections are of the betas as the kernel has them, rounded to the variables' dtype.
        beta_1, beta_2 = (tf.constant(x, self.variables[0].dtype) for x in (BETA_1, BETA_2))
        correction_1 = 1.0 - tf.cast(beta_1, tf.float64) ** t
        correction_2 = 1.0 - tf.cast(beta_2, tf.float64) ** t

        # (m / c_1) / (sqrt(v / c_2) + epsilon), with the corrections moved into rate and epsilon.
        rate = tf.cast(rate, tf.float64) * tf.sqrt(correction_2) / correction_1
        epsilon = EPSILON * tf.sqrt(correction_2)

        def update(variable, gradient, first_moment, second_moment):
            def number(x):
                return tf.cast(x, variable.dtype)

            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first_moment.handle,
                v=second_moment.handle,
                beta1_power=number(0.0),
                beta2_power=number(0.0),
                lr=number(rate),
                beta1=beta_1,
                beta2=beta_2,
                epsilon=number(epsilon),
                grad=number(unscale(gradient)),
            )

        slots = zip(self.variables, gradients, self.first_moments, self.second_moments, strict=True)
        for variable, gradient, first_moment, second_moment in slots:
            strategy.extended.update(
                variable, update, args=(gradient, first_moment, second_moment), group=False
            )


@keras.saving.register_keras_serializable("srvp_tf")
class PublishedAdam(keras.optimizers.Adam):
    """Adam as published, for `SRVP.fit`: epsilon is added to the bias-corrected root.

    Same arguments as Keras' Adam, with the published defaults.
    """

    def __init__(self, learning_rate=3e-4, epsilon=EPSILON, name="adam", **options):
        super().__init__(learning_rate, epsilon=epsilon, name=name, **options)

    def update_step(self, gradient, variable, learning_rate):
        """Keras' step, with an epsilon that makes up for its uncorrected root."""
        epsilon, step = self.epsilon, keras.ops.cast(self.iterations + 1, variable.dtype)
        self.epsilon = epsilon * keras.ops.sqrt(1.0 - self.beta_2**step)
        super().update_step(gradient, variable, learning_rate)
        self.epsilon = epsilon


@keras.saving.register_keras_serializable("srvp_tf")
class PublishedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate` as a schedule of Keras' optimizers: `peak`, then linear to 0."""

    def __init__(self, peak=3e-4, burnin=1_000_000, decay=100_000):
        self.peak, self.burnin, self.decay = peak, burnin, decay

    def __call__(self, step):
        done = tf.cast(step, tf.int64)  # Keras counts from 0
        return tf.cast(learning_rate(done + 1, self.peak, self.burnin, self.decay), tf.float32)

    def get_config(self):
        return {"peak": self.peak, "burnin": self.burnin, "decay": self.decay}


class LossScale:
    """Scale of the loss that keeps float16 gradients from vanishing (Micikevicius et al., 2018).

    Dynamic: halved, never below 1, after a step whose gradients are not finite; doubled after
    `GROWTH_INTERVAL` good steps in a row. Otherwise 1, and nothing is computed.
    """

    INITIAL, MAXIMUM, GROWTH_INTERVAL = 2.0**15, 2.0**24, 2000

    def __init__(self, dynamic):
        self.dynamic = dynamic
        if dynamic:
            self.value = tf.Variable(self.INITIAL, trainable=False, name="loss_scale/value")
            self.good_steps = tf.Variable(
                0, dtype=tf.int64, trainable=False, name="loss_scale/good_steps"
            )

    @property
    def variables(self):
        """The state to save: none if not dynamic."""
        return [self.value, self.good_steps] if self.dynamic else []

    def current(self):
        """The scale that the next loss is multiplied by, a scalar tensor."""
        return tf.identity(self.value) if self.dynamic else tf.constant(1.0)

    def scale(self, loss):
        """loss * scale."""
        return loss * self.value if self.dynamic else loss

    def unscale(self, gradient):
        """gradient / scale."""
        return gradient / self.value if self.dynamic else gradient

    def update(self, is_finite):
        """Learn from whether the step's numbers were finite."""
        if not self.dynamic:
            return
        good_steps = tf.where(is_finite, self.good_steps + 1, 0)
        grows = good_steps >= self.GROWTH_INTERVAL
        factor = tf.where(is_finite, tf.where(grows, 2.0, 1.0), 0.5)
        self.value.assign(tf.clip_by_value(self.value * factor, 1.0, self.MAXIMUM))
        self.good_steps.assign(tf.where(grows, tf.zeros_like(good_steps), good_steps))
