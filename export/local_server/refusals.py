"""What a request may hold: each refusal has TensorFlow Serving's status and names the fault."""

from collections.abc import Iterable

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo


class RequestError(Exception):
    """Refuses a request; `code` is the name of a gRPC status code."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def invalid(message: str) -> RequestError:
    """What most refusals are: the request itself is wrong."""
    return RequestError("INVALID_ARGUMENT", message)


def check_names(signature: SignatureDef, given: Iterable[str]) -> None:
    """Refuse missing and unknown inputs."""
    given, expected = set(given), set(signature.inputs)
    if given != expected:
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(expected)}. "
            f"Sent extra: {{{', '.join(sorted(given - expected))}}}. "
            f"Missing but required: {{{', '.join(sorted(expected - given))}}}."
        )


def check_shape(name: str, info: TensorInfo, shape: Iterable[int]) -> None:
    """Refuse another rank, another size where the signature fixes it, and what is empty."""
    shape, expected = list(shape), [dim.size for dim in info.tensor_shape.dim]
    fits = len(shape) == len(expected) and all(
        size in (-1, found) for size, found in zip(expected, shape, strict=True)
    )
    if not fits or any(size < 1 for size in shape):
        sizes = ", ".join("batch" if size < 0 else str(size) for size in expected)
        what = "is empty, of" if 0 in shape else "has"
        raise invalid(f"{name} {what} shape {shape}; expected [{sizes}]")


def check_batch(inputs: dict[str, np.ndarray]) -> None:
    """Refuse inputs for different numbers of examples."""
    sizes = {name: array.shape[0] for name, array in inputs.items() if array.ndim}
    if len(set(sizes.values())) > 1:
        raise invalid(
            "input tensors must have equal 0th-dimension size: "
            + ", ".join(f"{name} has {size}" for name, size in sorted(sizes.items()))
        )
