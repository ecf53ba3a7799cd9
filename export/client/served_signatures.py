"""What a served model takes and gives, read from its metadata, and inputs checked against it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from srvp_tf.errors import UserError

DEFAULT_SIGNATURE = "serving_default"
_DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16", "DT_UINT8": "uint8"}
_DTYPES |= {"DT_INT32": "int32", "DT_INT64": "int64", "DT_BOOL": "bool", "DT_STRING": "object"}


class ServedModel(NamedTuple):
    """Which model of a server: its name, and a version or a label; neither: the newest version."""

    name: str
    version: int | None = None
    label: str | None = None


class TensorSpec(NamedTuple):
    """dtype of an input or output (object: bytes), and its shape, None where any size will do."""

    dtype: np.dtype
    shape: tuple[int | None, ...]

    def __str__(self):
        sizes = ["B" if size is None else str(size) for size in self.shape]
        return f"{'bytes' if self.dtype == object else self.dtype.name} [{', '.join(sizes)}]"


class SignatureSpec(NamedTuple):
    """Name -> `TensorSpec` of all inputs and outputs."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


class ModelMetadata(NamedTuple):
    """A served model: its name, the version that answered, and name -> `SignatureSpec`."""

    name: str
    version: int
    signatures: dict[str, SignatureSpec]

    def signature(self, name: str) -> SignatureSpec:
        """The signature of that name; raises `UserError` if the model has none."""
        if name not in self.signatures:
            known = ", ".join(sorted(self.signatures))
            raise UserError(
                f"model {self.name!r} version {self.version} has no signature {name!r}; "
                f"it has {known}"
            )
        return self.signatures[name]


def read_metadata(answer: dict) -> ModelMetadata:
    """The `ModelMetadata` that a `GetModelMetadataResponse` in the form of JSON tells."""
    spec, definitions = answer["model_spec"], answer["metadata"]["signature_def"]["signature_def"]
    signatures = {
        name: SignatureSpec(*(_specs(definition.get(x, {})) for x in ("inputs", "outputs")))
        for name, definition in definitions.items()
        if not name.startswith("__")  # TensorFlow's own
    }
    return ModelMetadata(spec["name"], int(spec["version"]), signatures)


def _specs(tensors: Mapping[str, dict]) -> dict[str, TensorSpec]:
    specs = {}
    for name, info in tensors.items():
        if info["dtype"] not in _DTYPES:
            raise UserError(f"{name} is {info['dtype']}, which this client cannot send or read")
        sizes = (int(dim.get("size", 0)) for dim in info["tensor_shape"].get("dim", []))
        shape = tuple(None if size < 0 else size for size in sizes)
        specs[name] = TensorSpec(np.dtype(_DTYPES[info["dtype"]]), shape)
    return specs


def checked_inputs(
    metadata: ModelMetadata, name: str, inputs: Mapping[str, object]
) -> tuple[SignatureSpec, dict[str, np.ndarray]]:
    """The signature of that name, and the inputs as arrays of its dtypes.

    Numbers are cast where no value changes by it (int to int64); floats may be rounded.

    Raises:
        UserError: there is no such signature; or names an input that is missing or unknown, or of
            another dtype or shape.
    """
    signature = metadata.signature(name)
    if missing := signature.inputs.keys() - inputs.keys():
        raise UserError(f"signature {name!r} also needs {', '.join(sorted(missing))}")
    if unknown := inputs.keys() - signature.inputs.keys():
        raise UserError(
            f"signature {name!r} has no input {', '.join(sorted(unknown))}; "
            f"it takes {', '.join(sorted(signature.inputs))}"
        )
    arrays = {key: _checked(key, spec, inputs[key]) for key, spec in signature.inputs.items()}
    return signature, arrays


def _checked(name: str, spec: TensorSpec, value: object) -> np.ndarray:
    array = np.asarray(value, dtype=object if spec.dtype == object else None)
    fits = len(array.shape) == len(spec.shape) and all(
        size in (None, found) for size, found in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        raise UserError(f"{name} has shape {list(array.shape)}; the model takes {spec}")
    if 0 in array.shape:
        raise UserError(f"{name} is empty, of shape {list(array.shape)}; give one example or more")
    if spec.dtype == object:
        if other := {type(item).__name__ for item in array.flat if not isinstance(item, bytes)}:
            raise UserError(f"{name} holds {', '.join(sorted(other))}; give bytes")
    elif (array.dtype == bool) != (spec.dtype == bool) or not np.can_cast(
        array.dtype, spec.dtype, "same_kind"
    ):
        raise UserError(f"{name} is {array.dtype.name}; the model takes {spec}")
    cast = np.ascontiguousarray(array, dtype=spec.dtype)
    if array.dtype.kind in "iu" and (cast != array).any():
        raise UserError(f"{name} has whole numbers that {spec.dtype.name} does not hold")
    return cast
