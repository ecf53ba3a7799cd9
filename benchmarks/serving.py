"""What is exported, measured: `python -m benchmarks.serving [--only=latency] [--run_dir=...]`.

Latency and throughput of the published networks in the runtimes that serve them, and what TFLite's
quantisations cost in quality, size and time. On a machine that others use, trust CPU time more.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import add_list, both, interleave, parser_of, print_table, start
from benchmarks.settings import clips_of, config_of, model_of
from srvp_tf.errors import UserError

BATCHES, HORIZON = (1, 8), 30  # of the latency
NUM_VIDEOS = 8  # of TFLite's quality
KERAS, MULTI_STEP, SINGLE_STEP = "Keras call", "predict_multi_step", "predict_single_step"


def keras_caller(model, settings):
    """`SRVP.forecast`: "encode" and one step are a forecast of one frame."""

    def call(name, tensors):
        if name == "encode":
            return {}
        frames, horizon = tensors["frames"], settings.horizon if name == MULTI_STEP else 1
        sampling = horizon, 1, 0, settings.euler_steps, settings.frames_per_step
        predicted = model.forecast(frames, *sampling, video_ids=np.zeros(len(frames), int))
        return {"predicted_frames": predicted[:, 0].numpy()}

    return call


def tflite_caller(file, model, settings, batch_size, quantize="none"):
    """The signatures of a new TFLite file, run by LiteRT on all cores."""
    from export.writers import tflite

    file.write_bytes(tflite.convert(model, settings, batch_size, quantize)[0])
    return tflite.load_tflite(file, os.cpu_count())


def openvino_caller(folder, batch_size):
    """The noise-input SavedModels, compiled by OpenVINO for as many videos, in float32."""
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    models = {}
    for name in ("encode", SINGLE_STEP, MULTI_STEP):
        model = openvino.Core().read_model(str(folder / name))
        model.reshape({x: [batch_size, *list(x.partial_shape)[1:]] for x in model.inputs})
        models[name] = openvino.compile_model(model, "CPU", options)

    def call(name, tensors):
        model = models[name]
        found = model({port: tensors[port.any_name] for port in model.inputs})
        return {port.any_name: found[port] for port in model.outputs}

    return call


def inputs_of(model, settings, frames):
    """Signature name -> all that any runtime takes: frames, noise, and the seeds that it has."""
    from export.signatures.seeded_noise import draw_from_start

    count = settings.conditioning_frames
    seed = np.zeros(len(frames), np.int64)
    noise = draw_from_start(model.config, seed, count + settings.horizon)
    whole = {"frames": frames, "seed": seed} | {name: x.numpy() for name, x in noise.items()}
    z = whole["noise_z"]
    at_frame = {"noise_z": np.ascontiguousarray(z[:, count - 1]), "frame_index": seed + count}
    return {
        "encode": whole | {"noise_z": np.ascontiguousarray(z[:, : count - 1])},
        SINGLE_STEP: whole | at_frame,
        MULTI_STEP: whole,
    }


def settings_of(config, horizon):
    """`ExportSettings` of one frame a step, at the configuration's number of given frames."""
    from export.writers.settings import ExportSettings

    count = config.data.nt_cond
    return ExportSettings(count, count, horizon, 1, config.model.euler_steps, frames_per_step=1)


def latency(setting, rounds):
    """Rows for a setting. "First frame" starts at the observed frames.

    That is `forecast` of one frame in Keras, `encode` and `predict_single_step` elsewhere. The
    price of single steps is that of one `predict_single_step` over one more frame of
    `predict_multi_step`.
    """
    from export.writers import saved_model

    config = config_of(setting)
    model, settings = model_of(config.model, "ours, frozen"), settings_of(config, HORIZON)
    count = settings.conditioning_frames
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved_model.write_served(folder / "served", model, settings)
        saved_model.write_noise_inputs(folder / "noise_inputs", model, settings)
        for batch in BATCHES:
            frames = clips_of(config.model, batch, count).astype(np.float32) / 255.0
            runtimes = {
                KERAS: keras_caller(model, settings),
                "SavedModel": saved_model.load_saved_model(folder / "served"),
                "TFLite": tflite_caller(folder / f"{batch}.tflite", model, settings, batch),
                "OpenVINO": openvino_caller(folder / "noise_inputs", batch),
            }
            inputs = inputs_of(model, settings, frames)
            yield from latency_rows(f"{setting}, {batch} after {count}", runtimes, inputs, rounds)


def calls_of(call, inputs):
    """What is timed of a runtime, name -> function."""
    first, step = inputs["encode"], inputs[SINGLE_STEP]
    state = call("encode", first)
    return {
        "first": lambda: call(SINGLE_STEP, step | call("encode", first)),
        "predict": lambda: call(MULTI_STEP, inputs[MULTI_STEP])["predicted_frames"],
        "step": lambda: call(SINGLE_STEP, step | state),
    }


def latency_rows(label, runtimes, inputs, rounds):
    """A row for each runtime."""
    functions = {
        (name, what): function
        for name, call in runtimes.items()
        for what, function in calls_of(call, inputs).items()
    }
    timings = interleave(functions, rounds)
    expected = functions[KERAS, "predict"]()
    for name in runtimes:
        first, predict, step = (timings[name, what] for what in ("first", "predict", "step"))
        further = (predict - first) / (HORIZON - 1)
        row = {
            "latency": label,
            "runtime": name,
            "first frame, ms": f"{1e3 * first[0]:.1f}",
            **both("first, over Keras", first / timings[KERAS, "first"]),
            "further frame, ms": f"{1e3 * further[0]:.1f}",
            f"{HORIZON} frames, ms": f"{1e3 * predict[0]:.0f}",
            **both(f"{HORIZON}, over Keras", predict / timings[KERAS, "predict"]),
            "frames/s": f"{len(expected) * HORIZON / predict[0]:.0f}",
            "single step, ms": f"{1e3 * step[0]:.1f}",
            **both("its price", step / further),
            "differs by": f"{np.abs(functions[name, 'predict']() - expected).max():.0e}",
        }
        if name == KERAS:  # whose step is a forecast
            row |= dict.fromkeys(("single step, ms", "its price", "its price, CPU"), "")
        yield row


def tflite_rows(name, config, model, rounds):
    """A row for each quantisation: all predict the run's test videos from the same noise.

    Of untrained networks only size, time and the difference from Keras mean something.
    """
    from export.tflite import QUANTIZATIONS
    from export.writers.real_frames import real_frames
    from srvp_tf.metrics.frame_metrics import psnr

    model, data = model.frozen(), config.data
    count, horizon = data.nt_cond, data.test_length - data.nt_cond
    settings = settings_of(config, horizon)
    videos = real_frames(config, NUM_VIDEOS, data.test_length)[0].astype(np.float32) / 255.0
    sizes, callers = {KERAS: ""}, {KERAS: keras_caller(model, settings)}
    with tempfile.TemporaryDirectory() as folder:
        for quantize in QUANTIZATIONS:
            file = Path(folder, quantize)
            callers[quantize] = tflite_caller(file, model, settings, 1, quantize)
            sizes[quantize] = f"{file.stat().st_size / 1e6:.1f}"
        one, *others = (inputs_of(model, settings, x[None, :count])[MULTI_STEP] for x in videos)
        timings = interleave(
            {key: lambda call=call: call(MULTI_STEP, one) for key, call in callers.items()}, rounds
        )
        predicted = {
            key: np.concatenate([call(MULTI_STEP, x)["predicted_frames"] for x in (one, *others)])
            for key, call in callers.items()
        }
    truth, expected = videos[:, count:], predicted[KERAS]
    best = np.mean(psnr(truth, expected))
    for key, frames in predicted.items():
        quality = np.mean(psnr(truth, frames))
        yield {
            "TFLite, one video": f"{name}: {config.model.family}, {count} + {horizon}",
            "weights": "float32" if key == "none" else key,
            "MB": sizes[key],
            "differs by": f"{np.abs(frames - expected).max():.0e}",
            "PSNR, dB": f"{quality:.2f}",
            "loss, dB": f"{best - quality:.3f}",
            "PSNR against Keras, dB": ""
            if key == KERAS
            else f"{np.mean(psnr(expected, frames)):.0f}",
            "ms": f"{1e3 * timings[key][0]:.0f}",
            **both("over Keras", timings[key] / timings[KERAS]),
        }


def models_of(run_dirs, settings):
    """(Name, `Config`, model) of runs; without any, of settings, untrained."""
    from srvp_tf.runs.run_folder import RunFolder, load_model

    for path in run_dirs:
        yield Path(path).name, RunFolder(path).config(), load_model(path)
    for setting in () if run_dirs else settings:
        config = config_of(setting)
        yield f"{setting}, untrained", config, model_of(config.model)


def main():
    """Print the tables."""
    parser = parser_of(__doc__, rounds=7)
    add_list(parser, "only", ("latency", "tflite"), "tables, separated by commas")
    add_list(parser, "settings", ("smmnist", "kth"), "of configs/, likewise")
    parser.add_argument(
        "--run_dir", action="append", default=[], help="trained run, for the table of TFLite"
    )
    a = parser.parse_args()
    start(deterministic=False)
    if "latency" in a.only:
        print_table(row for x in a.settings for row in latency(x, a.rounds))
    if "tflite" in a.only:
        try:
            models = models_of(a.run_dir, a.settings)
            print_table(row for x in models for row in tflite_rows(*x, a.rounds))
        except UserError as error:
            sys.exit(f"benchmarks.serving: {error}")


if __name__ == "__main__":
    main()
