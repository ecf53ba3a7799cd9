"""Pickles of float32 arrays in dictionaries, read without running anything that they ask for.

A pickle is a program. Only those instructions pass that NumPy's own arrays need, and each name that
such a program may call stands here for a small recorder, not for NumPy. Lengths, shapes and types
are then checked before an array is made.
"""

import io
import math
import pickle
import pickletools

import numpy as np

from srvp_tf.errors import UserError

_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET EMPTY_DICT SETITEM "
    "SETITEMS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 "
    "BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)
_MAX_MEMO = 1 << 20  # a higher index would make the reader set aside memory for all below it
_MAX_ARRAYS = 10_000
_MAX_DEPTH = 8


def read_arrays(content: bytes, source: str) -> dict[str, np.ndarray]:
    """The arrays of a pickle, by the names of the dictionaries around them: "conv1/kernel".

    Args:
      content: the pickle.
      source: what it is called in errors.

    Raises:
      UserError: it is damaged, or asks for anything but float32 arrays in dictionaries.
    """
    try:
        _check_instructions(content)
        arrays = dict(_flat(_Reader(io.BytesIO(content)).load()))
        # Converting them makes copies, of one array as many as it has names.
        if sum(array.nbytes for array in arrays.values()) > len(content):
            raise pickle.UnpicklingError("an array stands under several names")
        return arrays
    except Exception as error:  # a damaged pickle can raise a dozen types
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f"{source} is damaged, or no pickle of arrays ({reason}); nothing in it was run"
        ) from None


def _check_instructions(content: bytes) -> None:
    for instruction, argument, _ in pickletools.genops(content):
        if instruction.name not in _INSTRUCTIONS:
            raise pickle.UnpicklingError(f"it uses {instruction.name}")
        if instruction.name == "LONG_BINPUT" and argument > _MAX_MEMO:
            raise pickle.UnpicklingError(f"it numbers its objects up to {argument}")


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        recorders = {
            ("numpy", "ndarray"): lambda: None,  # named as an argument, not called
            ("numpy", "dtype"): lambda code, *flags: _StoredType(code),
            ("numpy.core.multiarray", "_reconstruct"): lambda *arguments: _StoredArray(),
            ("numpy._core.multiarray", "_reconstruct"): lambda *arguments: _StoredArray(),
        }
        if (module, name) not in recorders:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return recorders[module, name]


class _StoredType:
    """What a pickle says of an array's type."""

    def __init__(self, code):
        self.code, self.order = code, None

    def __setstate__(self, state):
        self.order = state[1]


class _StoredArray:
    """What a pickle says of an array."""

    array = None

    def __setstate__(self, state):
        _, shape, stored_type, is_fortran, content = state
        if not isinstance(stored_type, _StoredType) or (stored_type.code, stored_type.order) != (
            "f4",
            "<",
        ):
            raise pickle.UnpicklingError("an array is not little-endian float32")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError(f"{shape!r} is no shape")
        if not isinstance(content, bytes) or len(content) != 4 * math.prod(shape):
            raise pickle.UnpicklingError(f"an array does not have the bytes of shape {list(shape)}")
        array = np.frombuffer(content, "<f4").reshape(shape, order="F" if is_fortran else "C")
        self.array = np.ascontiguousarray(array)


def _flat(tree):
    """Yields (path, array) of a dictionary of dictionaries; they may be shared, or circular."""
    if not isinstance(tree, dict):
        raise pickle.UnpicklingError(f"it holds a {type(tree).__name__}")
    count, waiting = 0, [((), tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, _StoredArray) and node.array is not None:
            yield "/".join(path), node.array
        elif not isinstance(node, dict) or not all(isinstance(name, str) for name in node):
            raise pickle.UnpicklingError(f"{'/'.join(path)} is no array")
        else:
            count += len(node)
            if len(path) == _MAX_DEPTH or count > _MAX_ARRAYS:
                raise pickle.UnpicklingError("its dictionaries have no end")
            waiting += [((*path, name), child) for name, child in node.items()]
