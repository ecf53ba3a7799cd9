"""Unrolled or looped latent rollouts: `python -m benchmarks.rollout`.

Times the published latents (ny, nz, hidden units) alone, for each use, both ways in one run, and
the first call, in which the graph is built. `MAX_UNROLLED_STEPS` of `srvp_tf.models.dynamics`
follows from this table.
"""

from benchmarks.harness import blocking, both, interleave, parser_of, print_table, start, timed
from benchmarks.settings import config_of

ROUNDS = 9
MOST_UNROLLED = {"unrolled": 10**9, "looped": 0}  # steps
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
    parser_of(__doc__).parse_args()
    start()
    print_table({"use": use} | row(*shape) for use, shape in USES.items())


def row(*shape):
    """The row of a use."""
    from srvp_tf.models import dynamics

    functions, building = {}, []
    before = dynamics.MAX_UNROLLED_STEPS
    for way, most in MOST_UNROLLED.items():
        functions[way] = rollout(*shape)
        dynamics.MAX_UNROLLED_STEPS = most
        building.append(timed(functions[way])[0])
    dynamics.MAX_UNROLLED_STEPS = before
    unrolled, looped = interleave(functions, ROUNDS).values()
    return {
        "unrolled, ms": f"{1e3 * unrolled[0]:.1f}",
        "looped, ms": f"{1e3 * looped[0]:.1f}",
        **both("looped / unrolled", looped / unrolled),
        "first call unrolled, s": f"{building[0]:.1f}",
        "looped, s": f"{building[1]:.1f}",
    }


def rollout(setting, paths, num_frames, with_gradients):
    """A function that rolls the latents out; its first call builds the graph."""
    import tensorflow as tf

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

    return blocking(roll, y, eps)


if __name__ == "__main__":
    main()
