"""Inputs of a request against the signature: each refusal names the input at fault."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from export.local_server.request_error import invalid


def check_names(signature: SignatureDef, given: Iterable[str]) -> None:
    """Refuse missing and unknown inputs."""
    given, expected = set(given), set(signature.inputs)
    if given != expected:
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(expected)}. "
            f"Sent extra: {{{', '.join(sorted(given - expected))}}}. "
            f"Missing but required: {{{', '.join(sorted(expected - given))}}}."
        )


def check_dtype(name: str, info: TensorInfo, dtype: int) -> None:
    """Refuse a tensor of another dtype than the signature's; both are numbers of `DataType`."""
    if dtype != info.dtype:
        found = "nothing" if not dtype else tf.dtypes.as_dtype(dtype).name
        raise invalid(f"{name} is {found}; expected {tf.dtypes.as_dtype(info.dtype).name}")


def check_shape(name: str, info: TensorInfo, shape: Iterable[int]) -> None:
    """Refuse another rank, another size where the signature fixes it, and what is empty."""
    shape = list(shape)
    expected = [dim.size for dim in info.tensor_shape.dim]
    fits = len(shape) == len(expected) and all(
        size in (-1, found) for size, found in zip(expected, shape, strict=True)
    )
    if not fits or any(size < 0 for size in shape):
        raise invalid(f"{name} has shape {shape}; expected {_described(expected)}")
    if 0 in shape:
        raise invalid(f"{name} is empty, of shape {shape}; expected {_described(expected)}")


def check_batch(inputs: dict[str, np.ndarray]) -> None:
    """Refuse inputs for different numbers of examples."""
    sizes = {name: array.shape[0] for name, array in inputs.items() if array.ndim}
    if len(set(sizes.values())) > 1:
        raise invalid(
            "input tensors must have equal 0th-dimension size: "
            + ", ".join(f"{name} has {size}" for name, size in sorted(sizes.items()))
        )


def _described(sizes: list[int]) -> str:
    return f"[{', '.join('batch' if size < 0 else str(size) for size in sizes)}]"
