"""Two processes on loopback train as one."""

import numpy as np

from tests.hosts.workers import Workers, logged, start, train_alone
from tests.runs.small_run import saved

TERMS = ("total", "nll", "kl_y1", "kl_z", "l2_res")


def assert_same_losses(run_dir, other, rtol=2e-5):
    """Every logged term of every step agrees, to float32's accuracy."""
    for term in TERMS:
        found, expected = (logged(path, f"loss/{term}") for path in (run_dir, other))
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
        train_alone(tmp_path / "one", *flags)
        (status, out, err), other = workers.finish()
    assert status == 0 and err == "" and "step 12/12  loss " in out
    waiting = f"worker 1 waits for worker 0 ({workers.addresses[0]})\n"
    assert other[0] == 0 and other[2] == "" and other[1] in ("", waiting)
    assert_same_losses(tmp_path / "two", tmp_path / "one")
    assert_close_states(tmp_path / "two", tmp_path / "one")
    names = [
        {p.relative_to(run) for p in run.rglob("*") if "tfevents" not in p.name}
        for run in (tmp_path / "two", tmp_path / "one")
    ]
    assert names[0] == names[1]
    assert len(list((tmp_path / "two" / "logs").iterdir())) == 2  # as one process writes
    assert len(list((tmp_path / "one" / "logs").iterdir())) == 2


def test_a_malformed_tf_config_is_one_line_at_once(tmp_path):
    process = start({"TF_CONFIG": "{"}, f"--run_dir={tmp_path}/run")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 1 and out == ""
    assert err.startswith("python -m srvp_tf.train: TF_CONFIG ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
