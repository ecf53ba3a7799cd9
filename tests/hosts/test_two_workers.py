"""Two processes on loopback train as one."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.training.strategy import make_strategy
from srvp_tf.training.worker_group import place_in_cluster
from tests.hosts.workers import Workers
from tests.reliability.runs import files, finish, start
from tests.runs.small_run import logged, saved

TERMS = ("total", "nll", "kl_y1", "kl_z", "l2_res")


def assert_same_losses(run_dir, other, rtol=2e-5):
    """Every logged term of every step agrees, to float32's accuracy."""
    shown = [logged(path / "logs") for path in (run_dir, other)]
    for term in TERMS:
        found, expected = (tags[f"loss/{term}"] for tags in shown)
        assert found.keys() == expected.keys() and len(found) >= 6
        for step, value in expected.items():
            np.testing.assert_allclose(found[step], value, rtol=rtol, err_msg=f"{term} at {step}")


def assert_close_states(run_dir, other):
    """The last checkpoints agree: Adam turns gradients of noise's size into steps of full size."""
    (arrays, status), (expected, expected_status) = saved(run_dir), saved(other)
    assert status["step"] == expected_status["step"]
    assert status["best_step"] == expected_status["best_step"]
    np.testing.assert_allclose(status["best_psnr"], expected_status["best_psnr"], rtol=1e-4)
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        error = np.abs(arrays[name].astype(np.float64) - array).max()
        assert error <= 2e-3 * max(np.abs(array).max(), 1e-3), (name, error)


def test_two_workers_train_as_one_and_the_chief_alone_writes(tmp_path):
    flags = ("--log_interval=1",)
    with Workers(2, tmp_path / "two", *flags) as workers:
        finish(start(tmp_path / "one", *flags))
        (status, out, err), other = workers.finish()
    assert status == 0 and err == "" and "step 12/12  loss " in out
    assert other == (0, "worker 1 joins 1 other\n", "")
    assert_same_losses(tmp_path / "two", tmp_path / "one")
    assert_close_states(tmp_path / "two", tmp_path / "one")
    assert files(tmp_path / "two") == files(tmp_path / "one")
    for run in ("two", "one"):
        assert len(list((tmp_path / run / "logs").iterdir())) == 2


MALFORMED = [
    "{",
    '{"cluster": {"worker": "host0:2222"}, "task": {"type": "worker", "index": 0}}',
    '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
    '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "painter", "index": 0}}',
    '{"cluster": {"worker": ["a:1", "b:1"]}}',
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_tf_config_is_one_line_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="^TF_CONFIG cannot be used .*set it like '{"):
        make_strategy()


def test_a_chief_of_its_own_job_is_worker_0():
    jobs = {"worker": ["b:1", "c:1"], "chief": ["a:1"]}
    for kind, index, expected in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(jobs), task_type=kind, task_id=index
        )
        assert place_in_cluster(resolver) == (expected, 3)
