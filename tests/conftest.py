"""Every test sees two logical CPU devices and the thread setting of deterministic training."""

import pytest

from srvp_tf.config.tensorflow_start import start_tensorflow


def pytest_configure():
    start_tensorflow(deterministic=True)
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's home folder; commands start in another one."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return home


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A function of flags: the folder of a tiny run with them, trained to its end once."""
    from tests.runs import small_run

    made = {}

    def folder(*arguments):
        if arguments not in made:
            made[arguments] = tmp_path_factory.mktemp("finished") / "run"
            assert small_run.run(small_run.config(*arguments), made[arguments]) is None
        return made[arguments]

    return folder
