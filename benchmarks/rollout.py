"""Unrolled or looped latent rollouts: `python -m benchmarks.rollout`.

Times the published latents (ny, nz, hidden units) alone, for each use, both ways in one run, and
the first call, in which the graph is built. `MAX_UNROLLED_STEPS` of `srvp_tf.models.dynamics`
follows from this table.
"""

import time

from srvp_tf.config.tensorflow_start import start_tensorflow

ROUNDS = 9
# Use: (setting, paths N, frame intervals F, with gradients)
USES = {
    "smmnist, training, 8 videos": ("smmnist", 8, 14, True),
    "kth, training, 2 videos": ("kth", 2, 19, True),
    "kth, training, 100 videos": ("kth", 100, 19, True),
    "smmnist, forecast, 1 sample": ("smmnist", 1, 20, False),
    "kth, forecast, 1 sample": ("kth", 1, 30, False),
    "kth, evaluation, 12 samples": ("kth", 12, 30, False),
    "smmnist, evaluation, 100 samples": ("smmnist", 100, 20, False),
    "smmnist, 95 frames": ("smmnist", 16, 95, False),
    "kth, 1,000 frames": ("kth", 1, 1000, False),
}


def main():
    """Print the table."""
    start_tensorflow(deterministic=True)

    from benchmarks.measure import interleave, table

    rows = []
    for use, (setting, *shape) in USES.items():
        functions, building = {}, {}
        for way in ("unrolled", "looped"):
            functions[way], building[way] = _rollout(setting, way, *shape)
        timings = interleave(functions, ROUNDS)
        unrolled, looped = timings["unrolled"], timings["looped"]
        rows.append(
            [
                use,
                f"{1e3 * unrolled.wall:.1f}",
                f"{1e3 * looped.wall:.1f}",
                f"{looped.wall / unrolled.wall:.2f}",
                f"{looped.cpu / unrolled.cpu:.2f}",
                *(f"{building[way]:.1f}" for way in ("unrolled", "looped")),
            ]
        )
    header = ("use", "unrolled, ms", "looped, ms", "looped / unrolled", "by CPU")
    print(table((*header, "first call unrolled, s", "looped, s"), rows))


def _rollout(setting, way, paths, num_frames, with_gradients):
    """(function, seconds of its first call)."""
    import tensorflow as tf

    from benchmarks.measure import blocking
    from benchmarks.settings import config_of
    from srvp_tf.models import dynamics
    from srvp_tf.models.dynamics import ResidualDynamics

    c = config_of(setting).model
    layer = ResidualDynamics(c, seed=0)
    layer.build()
    variables = [v.value for v in layer.trainable_variables]
    y = tf.random.normal([paths, c.ny])
    eps = tf.random.normal([paths, num_frames, c.nz])

    @tf.function
    def roll(y, eps):
        if not with_gradients:
            return layer.imagine(y, eps, c.euler_steps).states
        with tf.GradientTape() as tape:
            path = layer.follow(y, eps, c.euler_steps)
            loss = tf.reduce_sum(path.states) + tf.reduce_sum(path.p_z.loc)
        return tape.gradient(loss, variables)

    before = dynamics.MAX_UNROLLED_STEPS
    dynamics.MAX_UNROLLED_STEPS = 0 if way == "looped" else 10**9
    try:
        call = blocking(lambda: roll(y, eps))
        begin = time.perf_counter()
        call()
        return call, time.perf_counter() - begin
    finally:
        dynamics.MAX_UNROLLED_STEPS = before


if __name__ == "__main__":
    main()
