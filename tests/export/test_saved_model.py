"""The SavedModel as a server sees it: its signatures, their laws, and what lies beside them."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export import saved_model
from export.writers import metadata, warmup
from export.writers import saved_model as saved_model_writer
from tests.export import small_export
from tests.export.signatures.test_image_bytes import encoded
from tests.export.small_export import SETTINGS, floats, forecast, served, signatures, videos

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SEED = np.array([5, -3, 2**40], np.int64)
kinds = pytest.mark.parametrize("kind", small_export.KINDS)


def observed(kind):
    """float32 [3, T, H, W, C] of as many frames as the model is conditioned on."""
    return floats(videos(kind)[:, : SETTINGS[kind].conditioning_frames])


def ask(kind, name, **tensors):
    return signatures(kind)(name, tensors)


def state_after(state, outputs):
    """A state with what a step returned put over it: the rule that clients follow."""
    changed = {k.removeprefix("next_"): v for k, v in outputs.items() if k.startswith("next_")}
    return state | changed


def encode(kind, frames, seed=SEED):
    return ask(kind, "encode", frames=frames, seed=seed)


def image_files(kind, file_kind):
    """Bytes [3, T] of the videos of `observed`."""
    videos_shown = videos(kind)[:, : SETTINGS[kind].conditioning_frames]
    mode = "L" if videos_shown.shape[-1] == 1 else "RGB"
    files = [[encoded(np.squeeze(x), file_kind, mode) for x in video] for video in videos_shown]
    return np.array(files, object)


def frame_index(index):
    return np.full(3, index, np.int64)


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["vgg", pytest.param("dcgan", marks=pytest.mark.long)])
def test_predictions_are_the_forecast_of_the_model(kind):
    expected = forecast(kind, observed(kind), SEED)
    for axis in range(3):  # videos, samples and frames differ by far more than is allowed
        assert np.abs(np.diff(expected, axis=axis)).max(axis=(3, 4, 5)).min() > 3e-4
    samples = ask(kind, "predict_samples", frames=observed(kind), seed=SEED)
    np.testing.assert_allclose(samples["predicted_frames"], expected, **CLOSE)
    for name in ("serving_default", "predict_multi_step"):
        outputs = ask(kind, name, frames=observed(kind), seed=SEED)
        np.testing.assert_allclose(outputs["predicted_frames"], expected[:, 0], **CLOSE)
        assert outputs["valid"].all()


@kinds
def test_single_steps_are_the_first_frames_of_the_prediction(kind):
    expected = forecast(kind, observed(kind), SEED)[:, 0]
    state, frames = encode(kind, observed(kind)), []
    for step in range(SETTINGS[kind].horizon):
        index = frame_index(SETTINGS[kind].conditioning_frames + step)
        outputs = ask(kind, "predict_single_step", **state, seed=SEED, frame_index=index)
        assert set(outputs) == {"next_y", "predicted_frames", "valid"}  # skips stay where they are
        state = state_after(state, outputs)
        frames.append(outputs["predicted_frames"])
    np.testing.assert_allclose(np.concatenate(frames, axis=1), expected, **CLOSE)


@kinds
def test_observed_frames_lead_to_what_a_model_of_more_frames_predicts(kind):
    count = SETTINGS[kind].conditioning_frames
    state = encode(kind, observed(kind))
    for t in (count, count + 1):
        frame = floats(videos(kind)[:, t])
        outputs = ask(kind, "observe", **state, frame=frame, seed=SEED, frame_index=frame_index(t))
        assert outputs["valid"].all()
        state = state_after(state, outputs)
    index = frame_index(count + 2)
    outputs = ask(kind, "predict_single_step", **state, seed=SEED, frame_index=index)
    expected = forecast(kind, floats(videos(kind)[:, : count + 2]), SEED)[:, 0]
    r = SETTINGS[kind].frames_per_step
    np.testing.assert_allclose(outputs["predicted_frames"], expected[:, :r], **CLOSE)


@kinds
def test_variable_lengths(kind):
    longest = SETTINGS[kind].max_conditioning_frames
    frames = floats(videos(kind)[:, :longest])
    lengths = np.array([longest, SETTINGS[kind].conditioning_frames, 2], np.int64)
    for i, length in enumerate(lengths):
        frames[i, length:] = np.nan
    outputs = ask(kind, "predict_multi_step_variable", frames=frames, num_frames=lengths, seed=SEED)
    assert outputs["valid"].all()
    for i, length in enumerate(lengths):
        alone = forecast(kind, floats(videos(kind)[i : i + 1, :length]), SEED[i : i + 1])
        np.testing.assert_allclose(outputs["predicted_frames"][i], alone[0, 0], **CLOSE)
    fixed = ask(kind, "predict_multi_step", frames=observed(kind), seed=SEED)
    np.testing.assert_allclose(
        outputs["predicted_frames"][1], fixed["predicted_frames"][1], **CLOSE
    )


@kinds
@pytest.mark.parametrize("file_kind", ["PNG", "JPEG"])
def test_images_in_images_out(kind, file_kind):
    files = image_files(kind, file_kind)
    # Of the right size already; Pillow's decoders are those of the pipelines.
    pixels = [[np.asarray(Image.open(io.BytesIO(file))) for file in video] for video in files]
    frames = floats(np.reshape(pixels, observed(kind).shape))
    outputs = ask(kind, "predict_image_bytes", image_bytes=files, seed=SEED)
    expected = 255 * forecast(kind, frames, SEED)[:, 0]
    found = [
        [np.asarray(Image.open(io.BytesIO(file)), float) for file in video]
        for video in outputs["predicted_image_bytes"]
    ]
    beyond = expected - np.reshape(found, expected.shape)  # floor of a number leaves [0, 1)
    assert beyond.min() > -0.01 and beyond.max() < 1.01


# --- batches -------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("name", ["predict_multi_step", "predict_samples", "encode"])
def test_an_answer_does_not_depend_on_the_batch(kind, name):
    together = ask(kind, name, frames=observed(kind), seed=SEED)
    for i in range(3):
        alone = ask(kind, name, frames=observed(kind)[i : i + 1], seed=SEED[i : i + 1])
        for key, value in alone.items():
            np.testing.assert_allclose(value[0], together[key][i], **CLOSE)


@kinds
@pytest.mark.parametrize("fault", [np.nan, np.inf, 1.5, -0.2])
def test_an_invalid_example_is_flagged_and_touches_no_other(kind, fault):
    frames = observed(kind)
    frames[1, -1, 0, 0, 0] = fault
    for name in ("predict_multi_step", "predict_samples", "encode"):
        good = ask(kind, name, frames=observed(kind), seed=SEED)
        outputs = ask(kind, name, frames=frames, seed=SEED)
        np.testing.assert_array_equal(outputs.pop("valid"), [True, False, True])
        for key, value in outputs.items():
            np.testing.assert_allclose(value[[0, 2]], good[key][[0, 2]], **CLOSE)
            assert not value[1].any()


@kinds
def test_a_broken_state_or_frame_is_flagged(kind):
    state = encode(kind, observed(kind))
    frame = floats(videos(kind)[:, -1])
    index = frame_index(4)
    frame[0] = 7.0
    state["y"][2] = np.nan
    outputs = ask(kind, "observe", **state, frame=frame, seed=SEED, frame_index=index)
    np.testing.assert_array_equal(outputs["valid"], [False, True, False])
    outputs = ask(kind, "predict_single_step", **state, seed=SEED, frame_index=index)
    np.testing.assert_array_equal(outputs["valid"], [True, True, False])
    assert np.isfinite(outputs["predicted_frames"]).all()


@kinds
def test_a_step_without_a_finite_answer_or_a_frame_is_flagged(kind):
    state = encode(kind, observed(kind))
    good = ask(kind, "predict_single_step", **state, seed=SEED, frame_index=frame_index(4))
    state["y"][0] = 3e38
    index = np.array([4, 4, 0])
    outputs = ask(kind, "predict_single_step", **state, seed=SEED, frame_index=index)
    np.testing.assert_array_equal(outputs["valid"], [False, True, False])
    np.testing.assert_allclose(outputs["next_y"][1], good["next_y"][1], **CLOSE)
    for name in ("next_y", "predicted_frames"):
        assert not outputs[name][[0, 2]].any()


@kinds
def test_a_broken_image_is_flagged(kind):
    files = image_files(kind, "PNG")
    good = ask(kind, "predict_image_bytes", image_bytes=files, seed=SEED)
    files[1, 0] = b"nothing that could be decoded"
    outputs = ask(kind, "predict_image_bytes", image_bytes=files, seed=SEED)
    np.testing.assert_array_equal(outputs["valid"], [True, False, True])
    found, expected = outputs["predicted_image_bytes"], good["predicted_image_bytes"]
    assert (found[[0, 2]] == expected[[0, 2]]).all()
    assert set(found[1]) == {b""}


# --- what a request may look like ----------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": np.zeros((1, 2, 32, 32, 1), np.float32)},
        {"frames": np.zeros((1, 3, 64, 64, 1), np.float32)},
        {"frames": np.zeros((1, 3, 32, 32, 3), np.float32)},
        {"frames": np.zeros((3, 32, 32, 1), np.float32)},
        {"frames": np.zeros((1, 3, 32, 32, 1), np.uint8)},
        {"frames": np.zeros((1, 3, 32, 32, 1), np.float64)},
        {"seed": np.zeros(1, np.int32)},
        {"seed": np.zeros((1, 1), np.int64)},
        {"seed": np.zeros(2, np.int64)},
        {"frames": np.zeros((2, 3, 32, 32, 1), np.float32)},
    ],
)
def test_a_wrong_shape_or_dtype_fails_the_request(wrong):
    tensors = {"frames": np.zeros((1, 3, 32, 32, 1), np.float32), "seed": np.zeros(1, np.int64)}
    assert ask("dcgan", "predict_multi_step", **tensors)["valid"].all()
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        ask("dcgan", "predict_multi_step", **tensors | wrong)


@kinds
def test_outputs_never_share_a_name_with_inputs_and_only_the_batch_is_free(kind):
    described = json.loads((served(kind) / "assets.extra" / metadata.METADATA_FILE).read_text())
    loaded = tf.saved_model.load(str(served(kind)))
    assert set(loaded.signatures) == {*described["signatures"], "serving_default"}
    for name in described["signatures"]:
        function = loaded.signatures[name]
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        assert not set(inputs) & set(outputs)
        for side, specs in (("inputs", inputs), ("outputs", outputs)):
            found = {k: (list(s.shape), s.dtype.name) for k, s in specs.items()}
            told = described["signatures"][name][side]
            assert found == {k: (t["shape"], t["dtype"]) for k, t in told.items()}
            for shape, dtype in found.values():
                assert shape[0] is None and None not in shape[1:]
                assert dtype in ("float32", "int64", "bool", "string")


# --- the folder ----------------------------------------------------------------------------------


def test_it_is_loaded_without_any_code_of_ours(tmp_path):
    frames = observed("vgg")
    np.savez(tmp_path / "in.npz", frames=frames, seed=SEED)
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(served('vgg'))!r})\n"
        "given = np.load('in.npz')\n"
        "given = {name: tf.constant(value) for name, value in given.items()}\n"
        "out = model.signatures['serving_default'](**given)\n"
        "np.save('out.npy', out['predicted_frames'])\n"
        "ours = [m for m in sys.modules if m.partition('.')[0] in ('srvp_tf', 'export')]\n"
        "sys.exit(' '.join(ours) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    expected = forecast("vgg", frames, SEED)[:, 0]
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, **CLOSE)


@kinds
def test_warm_up_requests_are_answered_by_their_signatures(kind):
    from tensorflow_serving.apis import prediction_log_pb2

    path = served(kind) / "assets.extra" / warmup.WARMUP_FILE
    asked = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == "srvp"
        tensors = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        outputs = ask(kind, request.model_spec.signature_name, **tensors)
        assert outputs["valid"].all() and outputs["valid"].shape == (1,)
        asked.add(request.model_spec.signature_name)
    loaded = tf.saved_model.load(str(served(kind)))
    assert asked == set(loaded.signatures) - {"serving_default"}


@kinds
def test_the_metadata_tell_what_was_exported(kind):
    told = json.loads((served(kind) / "assets.extra" / metadata.METADATA_FILE).read_text())
    assert told["settings"] == vars(SETTINGS[kind])
    assert told["source"]["step"] == 7 and told["source"]["best_psnr"] == 12.5
    assert told["source"]["checkpoint"] == "last-00000007.npz"
    assert told["config"]["model"]["family"] == kind
    assert (told["parity"]["factor"], told["parity"]["most"]) == (4, 1e-2)
    errors = told["parity"]["errors"]
    assert set(errors) == set(told["signatures"])
    for error in errors.values():
        assert 0 < error["export"] <= 4 * error["keras"] < 1e-4


def test_noise_inputs_give_the_same_without_seeds(tmp_path):
    run, output = small_export.run_dir("dcgan"), tmp_path / "models"
    arguments = f"--run_dir={run}", f"--output_dir={output}", "--noise_inputs"
    assert small_export.call(saved_model, *arguments, *small_export.settings_flags("dcgan")) == 0
    from export.signatures.seeded_noise import draw_from_start

    s = SETTINGS["dcgan"]
    config = small_export.model("dcgan").config
    noise = draw_from_start(config, SEED, s.conditioning_frames + s.horizon, s.num_samples)
    call = saved_model_writer.load_noise_inputs(output / "1")
    outputs = call("predict_samples", {"frames": observed("dcgan"), **noise})
    expected = forecast("dcgan", observed("dcgan"), SEED)
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)
    graph = tf.saved_model.load(str(output / "1" / "predict_samples")).signatures["serving_default"]
    assert not [op.type for op in graph.graph.get_operations() if "Random" in op.type]
    assert not [op.type for op in graph.graph.get_operations() if "Bitwise" in op.type]
