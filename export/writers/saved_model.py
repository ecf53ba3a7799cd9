"""Writes signatures as TensorFlow SavedModels, which need none of this code to be run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.types.experimental import ConcreteFunction

from export import parity
from export.parity import SignatureCaller
from export.signatures.build import MULTI_STEP, Signature, build_signatures
from export.writers import metadata, source_run, warmup
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from export.writers.source_run import SourceRun
from srvp_tf.errors import UserError
from srvp_tf.models.video_model import VideoModel

_DEFAULT = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def write_served(
    path: Path, model: VideoModel, settings: ExportSettings
) -> dict[str, ConcreteFunction]:
    """One SavedModel in `path` with all signatures, noise addressed by seeds.

    Args:
        path: the folder to make.

    Returns:
        Signature name -> the concrete function behind it.
    """
    signatures = build_signatures(model, settings)
    functions = {name: concrete_function(x, seeded=True) for name, x in signatures.items()}
    _save(path, functions | {_DEFAULT: functions[MULTI_STEP]})
    return functions


def write_noise_inputs(
    path: Path, model: VideoModel, settings: ExportSettings
) -> dict[str, ConcreteFunction]:
    """A SavedModel per signature, `path`/NAME, whose noise is an input; all but image bytes.

    For readers that know no more than one signature, and no random or image operations. Arguments
    and return value are as in `write_served`.
    """
    functions = {
        name: concrete_function(signature, seeded=False)
        for name, signature in build_signatures(model, settings).items()
        if all(field.dtype != tf.string for field in signature.inputs.values())
    }
    for name, function in functions.items():
        _save(path / name, {_DEFAULT: function})
    return functions


def write_static(
    path: Path, signatures: Mapping[str, Signature], batch_size: int
) -> dict[str, ConcreteFunction]:
    """One SavedModel with signatures, name -> `Signature`: noise as input, all sizes fixed.

    Returns signature name -> the concrete function behind it.
    """
    functions = {name: concrete_function(x, False, batch_size) for name, x in signatures.items()}
    _save(path, functions)
    return functions


def load_saved_model(path: Path) -> SignatureCaller:
    """A caller of the signatures of a SavedModel, for `check_parity`."""
    loaded = tf.saved_model.load(str(path))

    def call(name: str, tensors: dict) -> dict[str, np.ndarray]:
        function = loaded.signatures[name]
        inputs = function.structured_input_signature[1]
        outputs = function(**{name: tf.constant(tensors[name]) for name in inputs})
        return {name: value.numpy() for name, value in outputs.items()}

    return call


def load_noise_inputs(path: Path) -> SignatureCaller:
    """A caller of what `write_noise_inputs` wrote, for `check_parity`."""

    def call(name: str, tensors: dict) -> dict[str, np.ndarray]:
        return load_saved_model(path / name)(_DEFAULT, tensors)

    return call


def concrete_function(
    signature: Signature, seeded: bool, batch_size: int | None = None
) -> ConcreteFunction:
    """A form of a `Signature` as a concrete function of tensors by name."""
    specs = {
        name: tf.TensorSpec([batch_size, *field.shape], field.dtype, name)
        for name, field in signature.fields(seeded).items()
    }

    @tf.function(autograph=False)
    def function(**tensors):
        return signature(_as_declared(tensors, specs) if seeded else tensors, seeded)

    return function.get_concrete_function(**specs)


def _as_declared(
    tensors: dict[str, tf.Tensor], specs: dict[str, tf.TensorSpec]
) -> dict[str, tf.Tensor]:
    """Fails a request whose shapes are not those of the signature: no server checks them.

    Nothing here depends on values, so that a request fails for faults of its own alone: servers
    batch only requests of equal shapes, and those whose inputs have one number of examples.
    """
    checked = {name: tf.ensure_shape(tensors[name], spec.shape) for name, spec in specs.items()}
    first, *others = checked
    for name in others:  # a single example among others of more would be broadcast
        counts = tf.shape(checked[name])[0], tf.shape(checked[first])[0]
        tf.debugging.assert_equal(*counts, f"{name} and {first} differ in their number of examples")
    return checked


def _save(path: Path, functions: dict[str, ConcreteFunction]) -> None:
    module = tf.Module()
    # All that the functions read, and nothing else: a converter computes garbage from variables
    # that a SavedModel reaches in another way.
    variables = {id(v): v for function in functions.values() for v in function.variables}
    module.weights = list(variables.values())
    tf.saved_model.save(module, str(path), functions)


def export_saved_model(
    run: SourceRun,
    settings: ExportSettings,
    folder: Path,
    seeded: bool,
    warmup_name: str | None = None,
) -> dict[str, parity.Errors]:
    """Write a SavedModel and what goes with it, and compare it with the Keras model.

    Args:
        run, settings: what is exported.
        folder: where; it exists and is empty.
        seeded: whether noise is addressed by seeds; else it is an input.
        warmup_name: what the server will call the model, in warm-up requests; empty for none.

    Returns:
        Signature name -> `parity.Errors`.
    """
    model, origin = source_run.load_source(run)
    frames, corpus = real_frames(run.config, parity.NUM_VIDEOS, parity.frames_needed(settings))
    write, read = (
        (write_served, load_saved_model) if seeded else (write_noise_inputs, load_noise_inputs)
    )
    try:
        functions = write(folder, model.frozen(), settings)
    except tf.errors.OpError as error:
        raise UserError(f"{folder} cannot be written: {error.message}") from None
    cases = parity.reference_cases(model, settings, frames)
    cases = {name: case for name, case in cases.items() if name in functions}
    errors = parity.check_parity(read(folder), cases)
    signatures = build_signatures(model, settings)
    extra = folder / "assets.extra"
    extra.mkdir()
    if warmup_name:
        requests = {
            name: {key: case.tensors[key][:1] for key in signatures[name].fields(seeded)}
            for name, case in cases.items()
        }
        warmup.write_warmup(extra / warmup.WARMUP_FILE, warmup_name, requests)
    metadata.write_metadata(
        extra / metadata.METADATA_FILE,
        run.config,
        settings,
        source=origin,
        noise="seed" if seeded else "input",
        signatures=metadata.describe_signatures(signatures, functions, seeded),
        parity=metadata.describe_parity(corpus, parity.FLOAT32, errors),
    )
    return errors
