"""Every test sees two logical CPU devices and the thread setting of deterministic training."""

from srvp_tf.command import start_tensorflow


def pytest_configure():
    start_tensorflow(deterministic=True)
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
