import io

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder


def some_arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "model/kernel": rng.normal(size=(300, 40)).astype(np.float32),
        "model/odd": np.array([np.nan, -0.0, np.inf, 1e-45], np.float32),
        "adam/step": np.array(7, np.int64),
        "empty": np.zeros((0, 3)),
    }


def bits(arrays):
    return {name: (x.dtype, x.shape, x.tobytes()) for name, x in arrays.items()}


@pytest.fixture
def path(tmp_path):
    checkpoints.write_checkpoint(
        tmp_path / "last-00000007.npz", some_arrays(), {"step": 7, "best": None}
    )
    return tmp_path / "last-00000007.npz"


def test_a_round_trip_keeps_every_bit(path):
    arrays, metadata = checkpoints.read_checkpoint(path)
    assert bits(arrays) == bits(some_arrays())
    assert metadata == {"format_version": 2, "step": 7, "best": None}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path):
    resource = pytest.importorskip("resource")
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError):
            checkpoints.write_checkpoint(path, some_arrays(1), {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_the_length_of_an_arrays_header_is_protected(path):
    # One bit there moves the data by some bytes and leaves a valid header.
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"\x93NUMPY") + 8] ^= 4
    path.write_bytes(whole)
    with pytest.raises(UserError, match="its checksum is another"):
        checkpoints.read_checkpoint(path)


@pytest.mark.parametrize(
    "arrays",
    [{}, {"x": np.zeros(3)}, {"metadata": np.array("no json")}, {"metadata": np.array("{}")}],
    ids=["empty", "no-metadata", "no-json", "no-version"],
)
def test_other_files_are_refused_in_one_line(tmp_path, arrays):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(UserError, match="x.npz is damaged or not a checkpoint") as caught:
        checkpoints.read_checkpoint(tmp_path / "x.npz")
    assert "\n" not in str(caught.value)


def test_another_format_version_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", metadata=np.array('{"format_version": 3}'))
    with pytest.raises(UserError, match="format 3, this version reads 1 to 2"):
        checkpoints.read_checkpoint(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["", "nothing.npz", "nothing/x.npz"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoints.read_checkpoint(tmp_path / name)


def variables():
    return {"a": tf.Variable([1.0, 2.0]), "b": tf.Variable(3, dtype=tf.int64)}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros(2, np.float32)}, r"misses b \(1 missing, 0 left over\)"),
        (
            {"a": np.zeros(2, np.float32), "b": np.int64(1), "c": np.zeros(1)},
            r"has c, which this model lacks \(0 missing, 1 left over\)",
        ),
        ({"c": np.zeros(1)}, r"misses a and has c, .* \(2 missing, 1 left over\)"),
        ({"a": np.zeros(2, np.float32), "b": np.int32(1)}, r"b is int32 \[\], expected int64 \[\]"),
        (
            {"a": np.zeros(2, np.float32), "b": np.zeros(1, np.int64)},
            r"b is int64 \[1\], expected int64 \[\]",
        ),
    ],
)
def test_a_strict_restore_names_the_array_and_assigns_nothing(arrays, words):
    into = variables()
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    with pytest.raises(UserError, match=f"x.npz belongs to another model: .*{words}"):
        checkpoints.assign_arrays(into, arrays, "x.npz")
    assert into["a"].numpy().tolist() == [1, 2] and into["b"].numpy() == 3


def test_the_last_and_the_best_are_kept_apart(tmp_path):
    folder = CheckpointFolder(tmp_path / "c", keep_last=2)
    assert folder.newest("last") is None
    folder.open()
    for step in (1, 2, 9, 10):
        folder.save("last", step, {"x": np.array(step)}, {"step": step})
        if step != 9:
            folder.save("best", step, {"x": np.array(-step)}, {"step": step})
    names = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert names == ["best-00000010.npz", "last-00000009.npz", "last-00000010.npz"]
    assert checkpoints.read_checkpoint(folder.newest("last"))[0]["x"] == 10
    assert checkpoints.read_checkpoint(folder.newest("best"))[0]["x"] == -10


def test_one_more_than_is_kept_may_be_pruned_later(tmp_path):
    folder = CheckpointFolder(tmp_path, keep_last=2)
    for step in (1, 2, 3):
        checkpoints.write_checkpoint(folder.path("last", step), {}, {})
    folder.prune("last")
    folder.prune("best")
    assert [path.stem for path in folder.paths("last")] == ["last-00000002", "last-00000003"]


def test_steps_beyond_eight_digits_stay_in_order(tmp_path):
    folder = CheckpointFolder(tmp_path, keep_last=1)
    for step in (99_999_999, 100_000_000):
        folder.save("last", step, {}, {})
    assert [path.name for path in folder.paths("last")] == ["last-100000000.npz"]


def test_opening_removes_interrupted_writes_only(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save("last", 1, {}, {})
    (tmp_path / ".last-00000002.npz.77.tmp").write_bytes(b"half")
    (tmp_path / "mine.txt").write_text("keep")
    folder.open()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last-00000001.npz", "mine.txt"]


def test_a_checkpoint_is_a_plain_npz(path):
    with np.load(io.BytesIO(path.read_bytes())) as arrays:
        assert np.array_equal(arrays["model/kernel"], some_arrays()["model/kernel"])


def test_bfloat16_does_not_slip_through(tmp_path):
    # NumPy's format has no name for it: it would come back as raw bytes.
    checkpoints.write_checkpoint(tmp_path / "x.npz", {"a": np.zeros(2, ml_dtypes.bfloat16)}, {})
    arrays, _ = checkpoints.read_checkpoint(tmp_path / "x.npz")
    with pytest.raises(UserError, match="a is "):
        checkpoints.assign_arrays({"a": tf.Variable([1, 2], dtype=tf.bfloat16)}, arrays, "x.npz")
