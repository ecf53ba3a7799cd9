"""Writes signatures as one TFLite file: built-in operations only, noise as input, fixed sizes."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.types.experimental import ConcreteFunction

from export import parity
from export.parity import SignatureCaller
from export.signatures.build import Signature, build_signatures
from export.writers import metadata, source_run
from export.writers.real_frames import real_frames
from export.writers.saved_model import concrete_function, write_signatures
from export.writers.settings import ExportSettings
from export.writers.source_run import SourceRun
from srvp_tf.errors import UserError
from srvp_tf.models.video_model import VideoModel

SIGNATURES = ("encode", "observe", "predict_single_step", "predict_multi_step")


def convert(
    model: VideoModel, settings: ExportSettings, batch_size: int, quantize: str
) -> tuple[bytes, dict[str, ConcreteFunction]]:
    """The TFLite file of a model.

    Args:
        batch_size: B of all inputs.
        quantize: "none"; "float16": weights of 16 bits, converted back for the arithmetic; or
            "dynamic_int8": weights of 8 bits, and activations quantised as they come.

    Returns:
        (bytes of the file, signature name -> the concrete function behind it).

    Raises:
        UserError: the converter refuses the model.
    """
    signatures = build_signatures(model, settings)
    return convert_signatures({name: signatures[name] for name in SIGNATURES}, batch_size, quantize)


def convert_signatures(
    signatures: Mapping[str, Signature], batch_size: int, quantize: str
) -> tuple[bytes, dict[str, ConcreteFunction]]:
    """`convert` of given signatures, name -> `Signature`."""
    with tempfile.TemporaryDirectory() as folder:
        functions = {
            name: concrete_function(signature, False, batch_size)
            for name, signature in signatures.items()
        }
        write_signatures(Path(folder), functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            return converter.convert(), functions
        except Exception as error:  # the converter has errors of its own, of many lines
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"TFLite's converter refuses the model: {reason}") from error


def load_tflite(path: Path, num_threads: int | None = None) -> SignatureCaller:
    """A caller of the signatures of a TFLite file, for `check_parity`: of any number of batches."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
    names = interpreter.get_signature_list()
    runners = {name: interpreter.get_signature_runner(name) for name in names}

    def call(name: str, tensors: dict) -> dict[str, np.ndarray]:
        details = runners[name].get_input_details()
        given = {key: np.asarray(tensors[key]) for key in details}
        key, batch = next((key, detail["shape"][0]) for key, detail in details.items())
        outputs = [
            runners[name](**{key: x[first : first + batch] for key, x in given.items()})
            for first in range(0, len(given[key]), batch)
        ]
        return {key: np.concatenate([x[key] for x in outputs]) for key in outputs[0]}

    return call


def export_tflite(
    run: SourceRun,
    settings: ExportSettings,
    file: Path,
    description: Path,
    batch_size: int,
    quantize: str,
) -> None:
    """Write a TFLite file, see `convert`, and its metadata; compare it with the Keras model."""
    model, origin = source_run.load_source(run)
    num_videos = -(-parity.NUM_VIDEOS // batch_size) * batch_size
    frames, corpus = real_frames(run.config, num_videos, parity.frames_needed(settings))
    content, functions = convert(model.frozen(), settings, batch_size, quantize)
    file.write_bytes(content)
    cases = parity.reference_cases(model, settings, frames, functions)
    bound = parity.BOUNDS[quantize]
    errors = parity.check_parity(load_tflite(file), cases, bound)
    told = settings, build_signatures(model, settings), functions, corpus, bound, errors
    metadata.write_metadata(description, run.config, *told, source=origin, quantize=quantize)
