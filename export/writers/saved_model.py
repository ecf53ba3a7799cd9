"""Writes signatures as TensorFlow SavedModels, which need none of this code to be run."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.types.experimental import ConcreteFunction

from export import parity
from export.parity import SignatureCaller
from export.signatures.build import MULTI_STEP, Signature, build_signatures
from export.writers import metadata, source_run
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from export.writers.source_run import SourceRun
from srvp_tf.errors import UserError
from srvp_tf.models.video_model import VideoModel

WARMUP_FILE = "tf_serving_warmup_requests"
_DEFAULT = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def write_served(
    path: Path, model: VideoModel, settings: ExportSettings
) -> dict[str, ConcreteFunction]:
    """Write a SavedModel of all signatures, noise addressed by seeds, in a new folder `path`.

    Returns signature name -> the concrete function behind it.
    """
    signatures = build_signatures(model, settings)
    functions = {name: concrete_function(x, seeded=True) for name, x in signatures.items()}
    write_signatures(path, functions | {_DEFAULT: functions[MULTI_STEP]})
    return functions


def write_noise_inputs(
    path: Path, model: VideoModel, settings: ExportSettings
) -> dict[str, ConcreteFunction]:
    """As `write_served`, a SavedModel per signature, `path`/NAME, whose noise is an input.

    For readers that know no more than one signature, and no random or image operations: all but
    image bytes.
    """
    functions = {
        name: concrete_function(signature, seeded=False)
        for name, signature in build_signatures(model, settings).items()
        if all(field.dtype != tf.string for field in signature.inputs.values())
    }
    for name, function in functions.items():
        write_signatures(path / name, {_DEFAULT: function})
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


def write_signatures(path: Path, functions: dict[str, ConcreteFunction]) -> None:
    """Write a SavedModel with these functions as its signatures."""
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
) -> None:
    """Write a SavedModel and what goes with it, and compare it with the Keras model.

    Args:
        folder: where; it exists and is empty.
        seeded: whether noise is addressed by seeds; else it is an input.
        warmup_name: what the server will call the model, in warm-up requests; empty for none.
    """
    model, origin = source_run.load_source(run)
    frames, corpus = real_frames(run.config, parity.NUM_VIDEOS, parity.frames_needed(settings))
    write = write_served if seeded else write_noise_inputs
    try:
        functions = write(folder, model.frozen(), settings)
    except tf.errors.OpError as error:
        raise UserError(f"{folder} cannot be written: {error.message}") from None
    call = load_saved_model(folder) if seeded else load_noise_inputs(folder)
    cases = parity.reference_cases(model, settings, frames, functions)
    errors = parity.check_parity(call, cases)
    extra = folder / "assets.extra"
    extra.mkdir()
    if warmup_name:
        _write_warmup(extra / WARMUP_FILE, warmup_name, functions, cases)
    told = settings, build_signatures(model, settings), functions, corpus, parity.FLOAT32, errors
    file = extra / metadata.METADATA_FILE
    metadata.write_metadata(file, run.config, *told, seeded, source=origin)


def _write_warmup(
    path: Path,
    model_name: str,
    functions: dict[str, ConcreteFunction],
    cases: dict[str, parity.Case],
) -> None:
    """A request per signature: what a server asks a new version before it gets real ones."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, function in functions.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = name
            for key in function.structured_input_signature[1]:
                first = tf.make_tensor_proto(cases[name].tensors[key][:1])
                request.inputs[key].CopyFrom(first)
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
