"""The JSON beside an exported model: what it is, what it takes and gives, how it was compared."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from export.parity import Bound, Errors
from export.signatures.build import Signature
from export.writers.settings import ExportSettings
from srvp_tf._version import __version__
from srvp_tf.config import Config

METADATA_FILE = "srvp.json"

_OUTPUT_VALUES = {
    "predicted_frames": "[0, 1]",
    "predicted_image_bytes": "PNG images",
    "frames": "[0, 1]",
    "z": "finite",
    "valid": "false: inputs unusable or outputs not finite; the other outputs are zeros or empty",
}


def write_metadata(
    path: Path,
    config: Config,
    settings: ExportSettings,
    signatures: Mapping[str, Signature],
    functions: dict[str, tf.types.experimental.ConcreteFunction],
    corpus: str,
    bound: Bound,
    errors: dict[str, Errors],
    seeded: bool = False,
    **parts: object,
) -> None:
    """Write the JSON.

    Args:
        config: the run's.
        signatures: name -> `Signature`.
        functions: name -> concrete function, of those that were written.
        corpus, bound, errors: the videos of the comparison, what was allowed and what was found.
        seeded: which form was written.
        parts: what else it tells, by name.
    """
    tree = {
        "format_version": 1,
        "srvp_tf_version": __version__,
        **parts,
        "noise": "seed" if seeded else "input",
        "signatures": _describe_signatures(signatures, functions, seeded),
        "parity": {
            "corpus": corpus,
            "factor": bound.factor,
            "most": bound.most,
            "errors": {name: error._asdict() for name, error in errors.items()},
        },
        "settings": dataclasses.asdict(settings),
        "config": dataclasses.asdict(config),
    }
    path.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def _describe_signatures(
    signatures: Mapping[str, Signature],
    functions: dict[str, tf.types.experimental.ConcreteFunction],
    seeded: bool,
) -> dict:
    """Signature name -> inputs and outputs, each name -> shape (null: any), dtype and values."""
    state = signatures["observe"].inputs | signatures["predict_single_step"].inputs
    values = {name: field.values for name, field in state.items()} | _OUTPUT_VALUES

    def tensor(spec: tf.TensorSpec, values: str) -> dict:
        return {"shape": list(spec.shape), "dtype": spec.dtype.name, "values": values}

    described = {}
    for name, function in functions.items():
        inputs = function.structured_input_signature[1]
        fields = signatures[name].fields(seeded)
        described[name] = {
            "inputs": {key: tensor(inputs[key], fields[key].values) for key in fields},
            "outputs": {
                key: tensor(spec, values[key.removeprefix("next_")])
                for key, spec in function.structured_outputs.items()
            },
        }
    return described
