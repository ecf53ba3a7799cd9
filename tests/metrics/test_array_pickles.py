"""Pickles of arrays are read; pickles of anything else are refused, and nothing in them runs."""

import io
import os
import pickle
import struct

import numpy as np
import pytest

from srvp_tf.errors import UserError
from srvp_tf.metrics.array_pickles import read_arrays

RANDOM = np.random.default_rng(0)
TREE = {
    "a": {"kernel": RANDOM.standard_normal((3, 4, 5)).astype(np.float32)},
    "b": np.asfortranarray(RANDOM.standard_normal((6, 7)).astype(np.float32)),
}


class Calls:
    """Pickled, it calls a function when read."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def assert_refused(content, reason=""):
    with pytest.raises(UserError, match="nothing in it was run") as caught:
        read_arrays(content, "file")
    message = str(caught.value)
    assert message.startswith("file is damaged, or no pickle of arrays") and "\n" not in message
    assert reason in message


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
def test_reads_what_numpy_writes_old_and_new(protocol, module):
    content = pickle.dumps(TREE, protocol=protocol)
    if protocol == 3:  # its names have no lengths before them
        content = content.replace(b"numpy._core", module)
    arrays = read_arrays(content, "file")
    assert sorted(arrays) == ["a/kernel", "b"]
    np.testing.assert_array_equal(arrays["a/kernel"], TREE["a"]["kernel"])
    np.testing.assert_array_equal(arrays["b"], TREE["b"])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a": x}, lambda x: TREE | {"c": x}])
def test_nothing_that_a_pickle_calls_is_run(tmp_path, protocol, wrap):
    mark = tmp_path / "mark"
    assert_refused(pickle.dumps(wrap(Calls(os.system, f"touch {mark}")), protocol))
    assert_refused(pickle.dumps(wrap(Calls(eval, f"open({str(mark)!r}, 'w')")), protocol))
    assert_refused(pickle.dumps(wrap(Calls(np.save, str(mark), 1)), protocol))
    assert not list(tmp_path.iterdir())
    read = pickle.dumps(Calls(os.system, f"touch {mark}"), protocol)
    pickle.loads(read)
    assert mark.exists(), "the attack works on a plain reader"


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.zeros(3, ">f4"),
        np.array([object()]),
        np.zeros(2, [("x", "f4")]),
        [np.zeros(3, np.float32)],
        {1: np.zeros(3, np.float32)},
        {"a": "text"},
        {"a": 1.5},
        np.float32,
        np.dtype("f4"),
        None,
    ],
)
def test_other_things_are_refused(value):
    assert_refused(pickle.dumps(value if isinstance(value, dict) else {"x": value}, 4))


def stored_array(shape, content, protocol=3):
    """A pickle of {"x": array} that says it has this shape and these bytes."""
    state = (1, shape, np.dtype("f4"), False, content)

    class Reduced:
        def __reduce__(self):
            reconstruct, empty, _ = np.zeros(0).__reduce__()
            return reconstruct, empty, state

    class Stateful(pickle._Pickler):
        def save_reduce(self, func, args, state=None, *rest, obj=None, **options):
            super().save_reduce(func, args, state, *rest, **options)

    file = io.BytesIO()
    Stateful(file, protocol).dump({"x": Reduced()})
    return file.getvalue()


def test_lies_about_sizes_are_refused():
    assert "x" in read_arrays(stored_array((2, 3), bytes(24)), "file")
    counts = [(2, 4), (-2, -3), (1 << 40,), (1 << 62, 1 << 62)]
    for shape in [*counts, (2.0, 3), (True, 6), (6, []), 6]:
        assert_refused(stored_array(shape, bytes(24)))
    assert_refused(stored_array((24,), "x" * 24))
    content = pickle.dumps({"x": np.zeros(100, np.float32)}, 3)
    place = content.index(b"B" + struct.pack("<I", 400))  # the bytes with their length
    for length in (399, 401, 0xFFFFFFFF):
        assert_refused(content[: place + 1] + struct.pack("<I", length) + content[place + 5 :])


def test_indices_without_end_and_circles_take_no_memory():
    assert_refused(b"\x80\x03}r\xff\xff\xff\xff.", "numbers its objects")
    circle = {}
    circle["a"] = circle
    assert_refused(pickle.dumps(circle, 4), "have no end")
    nested = TREE["b"]
    for _ in range(7):
        nested = {str(i): nested for i in range(100)}
    assert_refused(pickle.dumps(nested, 4), "have no end")


def test_truncated_anywhere_it_is_refused():
    content = pickle.dumps(TREE, 4)
    for length in range(len(content)):
        assert_refused(content[:length])


def test_a_flipped_bit_is_refused_or_changes_numbers_alone():
    content = pickle.dumps(TREE, 4)
    for place in RANDOM.integers(0, 8 * len(content), 3000):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        try:
            arrays = read_arrays(bytes(flipped), "file")
        except UserError:
            continue
        assert all(array.dtype == np.float32 for array in arrays.values())
        assert sum(array.nbytes for array in arrays.values()) < len(content)
