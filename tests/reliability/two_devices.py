"""The training command on two logical CPU devices: `python -m tests.reliability.two_devices`."""

from absl import flags

from srvp_tf import train
from srvp_tf.cli import command
from srvp_tf.config.tensorflow_start import start_tensorflow


def main(flag_values):
    """Train, as `srvp_tf.train` does."""
    start_tensorflow(deterministic=True)
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
    return train.main(flag_values)


if __name__ == "__main__":
    train.define_flags(flags.FLAGS)
    command.run(main)
