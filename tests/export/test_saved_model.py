"""The SavedModel as a server sees it: its signatures, their laws, and what lies beside them."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export import saved_model
from export.signatures.seeded_noise import draw_from_start
from export.writers import metadata
from export.writers import saved_model as saved_model_writer
from srvp_tf.errors import UserError
from tests.export.signatures.test_image_bytes import encoded
from tests.export.small_export import call, floats

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
SEED = np.array([5, -3, 2**40], np.int64)
FROM_FRAMES = ("predict_multi_step", "predict_samples", "encode")


@pytest.fixture
def observed(exported):
    """float32 [3, T, H, W, C]."""
    return floats(exported.given(3))


@pytest.fixture
def ask(exported):
    return lambda name, **tensors: exported.ask(name, tensors)


def state_after(state, outputs):
    """A state with what a step returned put over it: the rule that clients follow."""
    changed = {k.removeprefix("next_"): v for k, v in outputs.items() if k.startswith("next_")}
    return state | changed


def image_files(videos, kind):
    """Bytes [3, T]."""
    mode = "L" if videos.shape[-1] == 1 else "RGB"
    files = [[encoded(np.squeeze(x), kind, mode) for x in video] for video in videos]
    return np.array(files, object)


def frame_index(index):
    return np.full(3, index, np.int64)


# --- laws ----------------------------------------------------------------------------------------


def test_predictions_are_the_forecast_of_the_model(exported, ask, observed):
    expected = exported.forecast(observed, SEED)
    for axis in range(3):  # videos, samples and frames differ by far more than is allowed
        assert np.abs(np.diff(expected, axis=axis)).max(axis=(3, 4, 5)).min() > 3e-4
    samples = ask("predict_samples", frames=observed, seed=SEED)
    np.testing.assert_allclose(samples["predicted_frames"], expected, **CLOSE)
    for name in ("serving_default", "predict_multi_step"):
        outputs = ask(name, frames=observed, seed=SEED)
        np.testing.assert_allclose(outputs["predicted_frames"], expected[:, 0], **CLOSE)
        assert outputs["valid"].all()


def test_single_steps_are_the_first_frames_of_the_prediction(exported, ask, observed):
    s, frames = exported.settings, []
    state = ask("encode", frames=observed, seed=SEED)
    for step in range(s.horizon):
        index = frame_index(s.conditioning_frames + step)
        outputs = ask("predict_single_step", **state, seed=SEED, frame_index=index)
        assert set(outputs) == exported.changed | {"predicted_frames", "valid"}
        state = state_after(state, outputs)
        frames.append(outputs["predicted_frames"])
    expected = exported.forecast(observed, SEED)[:, 0]
    np.testing.assert_allclose(np.concatenate(frames, axis=1), expected, **CLOSE)


def test_observed_frames_lead_to_what_a_model_of_more_frames_predicts(exported, ask, observed):
    count, videos = exported.settings.conditioning_frames, floats(exported.videos[:3])
    state = ask("encode", frames=observed, seed=SEED)
    for t in (count, count + 1):
        position = {"seed": SEED, "frame_index": frame_index(t)}
        outputs = ask("observe", **state, frame=videos[:, t], **position)
        assert outputs["valid"].all()
        state = state_after(state, outputs)
    outputs = ask("predict_single_step", **state, seed=SEED, frame_index=frame_index(count + 2))
    expected = exported.forecast(videos[:, : count + 2], SEED)[:, 0]
    r = exported.settings.frames_per_step
    np.testing.assert_allclose(outputs["predicted_frames"], expected[:, :r], **CLOSE)


def test_variable_lengths(exported, ask):
    s = exported.settings
    frames = floats(exported.videos[:3, : s.max_conditioning_frames])
    lengths = np.array([s.max_conditioning_frames, s.conditioning_frames, 2], np.int64)
    for i, length in enumerate(lengths):
        frames[i, length:] = np.nan
    outputs = ask("predict_multi_step_variable", frames=frames, num_frames=lengths, seed=SEED)
    assert outputs["valid"].all()
    for i, length in enumerate(lengths):
        alone = exported.forecast(frames[i : i + 1, :length], SEED[i])
        np.testing.assert_allclose(outputs["predicted_frames"][i], alone[0, 0], **CLOSE)
    lengths = np.array([2, 1, s.max_conditioning_frames + 1])
    frames = floats(exported.videos[:3, : s.max_conditioning_frames])
    outputs = ask("predict_multi_step_variable", frames=frames, num_frames=lengths, seed=SEED)
    np.testing.assert_array_equal(outputs["valid"], [True, False, False])


@pytest.mark.parametrize("file_kind", ["PNG", "JPEG"])
def test_images_in_images_out(exported, ask, file_kind):
    files = image_files(exported.given(3), file_kind)
    # Of the right size already; Pillow's decoders are those of the pipelines.
    pixels = [[np.asarray(Image.open(io.BytesIO(file))) for file in video] for video in files]
    frames = floats(np.reshape(pixels, exported.given(3).shape))
    outputs = ask("predict_image_bytes", image_bytes=files, seed=SEED)
    expected = 255 * exported.forecast(frames, SEED)[:, 0]
    found = [
        [np.asarray(Image.open(io.BytesIO(file)), float) for file in video]
        for video in outputs["predicted_image_bytes"]
    ]
    beyond = expected - np.reshape(found, expected.shape)  # floor of a number leaves [0, 1)
    assert beyond.min() > -0.01 and beyond.max() < 1.01


# --- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FROM_FRAMES)
def test_an_answer_depends_on_no_other_example(ask, observed, name):
    together = ask(name, frames=observed, seed=SEED)
    for i in range(3):
        alone = ask(name, frames=observed[i : i + 1], seed=SEED[i : i + 1])
        for key, value in alone.items():
            np.testing.assert_allclose(value[0], together[key][i], **CLOSE)
    for fault in (np.nan, -np.inf, 255.0):
        observed[1, -1, 0, 0, 0] = fault
        outputs = ask(name, frames=observed, seed=SEED)
        np.testing.assert_array_equal(outputs.pop("valid"), [True, False, True])
        for key, value in outputs.items():
            np.testing.assert_allclose(value[[0, 2]], together[key][[0, 2]], **CLOSE)
            assert not value[1].any()


@pytest.mark.parametrize("value", [-0.99e-3, 1.00099, -1.01e-3, 1.00101])
def test_valid_is_what_forecast_accepts(exported, ask, observed, value):
    observed[1, 0, 0, 0, 0] = value
    try:
        exported.forecast(observed, SEED)
        accepted = True
    except UserError:
        accepted = False
    assert accepted == (-1e-3 <= value <= 1.001)
    outputs = ask("encode", frames=observed, seed=SEED)
    np.testing.assert_array_equal(outputs["valid"], [True, accepted, True])


def test_a_broken_state_or_frame_is_flagged(exported, ask, observed):
    state = ask("encode", frames=observed, seed=SEED)
    frame = floats(exported.videos[:3, -1])
    frame[0] = 7.0
    state["y" if "y" in state else "features"][2] = np.nan
    position = {"seed": SEED, "frame_index": np.array([4, 0, 4])}
    outputs = ask("predict_single_step", **state, **position)
    np.testing.assert_array_equal(outputs["valid"], [True, False, False])
    outputs = ask("observe", **state, frame=frame, seed=SEED, frame_index=frame_index(4))
    np.testing.assert_array_equal(outputs["valid"], [False, True, False])


def test_a_step_without_a_finite_answer_is_flagged(vgg):
    given = {"frames": floats(vgg.given(3)), "seed": SEED}
    state = vgg.ask("encode", given) | {"seed": SEED, "frame_index": frame_index(4)}
    good = vgg.ask("predict_single_step", state)
    state["y"][0] = 3e38  # is finite, and what it leads to is not
    outputs = vgg.ask("predict_single_step", state)
    np.testing.assert_array_equal(outputs["valid"], [False, True, True])
    for name in ("next_y", "predicted_frames"):
        np.testing.assert_allclose(outputs[name][1:], good[name][1:], **CLOSE)
        assert not outputs[name][0].any()


def test_a_broken_image_is_flagged(exported, ask):
    files = image_files(exported.given(3), "PNG")
    good = ask("predict_image_bytes", image_bytes=files, seed=SEED)
    files[1, 0] = b"nothing that could be decoded"
    outputs = ask("predict_image_bytes", image_bytes=files, seed=SEED)
    np.testing.assert_array_equal(outputs["valid"], [True, False, True])
    found, expected = outputs["predicted_image_bytes"], good["predicted_image_bytes"]
    assert (found[[0, 2]] == expected[[0, 2]]).all()
    assert set(found[1]) == {b""}


# --- what a request may look like ----------------------------------------------------------------


def test_a_wrong_shape_or_dtype_fails_the_request(ask, observed):
    first, seed = observed[:1], SEED[:1]
    assert ask("predict_multi_step", frames=first, seed=seed)["valid"].all()
    for wrong in (
        {"frames": first[:, :2]},
        {"frames": np.repeat(first, 2, axis=2)},
        {"frames": np.repeat(first, 2, axis=-1)},
        {"frames": first[0]},
        {"frames": first.astype(np.uint8)},
        {"frames": observed},
        {"seed": seed.astype(np.int32)},
        {"seed": seed[None]},
        {"seed": SEED},
    ):
        with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
            ask("predict_multi_step", **{"frames": first, "seed": seed} | wrong)


def described(exported):
    return json.loads((exported.saved_model / "assets.extra" / metadata.METADATA_FILE).read_text())


def test_outputs_never_share_a_name_with_inputs_and_only_the_batch_is_free(exported):
    signatures = described(exported)["signatures"]
    loaded = tf.saved_model.load(str(exported.saved_model))
    assert set(loaded.signatures) == {*signatures, "serving_default"}
    for name, told in signatures.items():
        function = loaded.signatures[name]
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        assert not set(inputs) & set(outputs)
        for side, specs in (("inputs", inputs), ("outputs", outputs)):
            found = {k: (list(s.shape), s.dtype.name) for k, s in specs.items()}
            assert found == {k: (t["shape"], t["dtype"]) for k, t in told[side].items()}
            for shape, dtype in found.values():
                assert shape[0] is None and None not in shape[1:]
                assert dtype in ("float32", "int64", "bool", "string")


# --- the folder ----------------------------------------------------------------------------------


def test_warm_up_requests_are_answered_by_their_signatures(exported, ask):
    """Its name is that of the folder, which the command was given as `.`."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = exported.saved_model / "assets.extra" / saved_model_writer.WARMUP_FILE
    asked = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == exported.saved_model.parent.name == "srvp"
        tensors = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        outputs = ask(request.model_spec.signature_name, **tensors)
        assert outputs["valid"].all() and outputs["valid"].shape == (1,)
        asked.add(request.model_spec.signature_name)
    assert asked == set(described(exported)["signatures"])


def test_the_metadata_tell_what_was_exported(exported):
    told = described(exported)
    assert told["settings"] == vars(exported.settings)
    assert told["source"]["step"] == 7 and told["source"]["best_psnr"] == 12.5
    assert told["source"]["checkpoint"] == "last-00000007.npz"
    assert told["config"]["model"]["skips"] == (exported.kind == "vgg")
    assert (told["parity"]["factor"], told["parity"]["most"]) == (4, 1e-2)
    assert told["parity"]["corpus"] == "moving_mnist"
    errors = told["parity"]["errors"]
    assert set(errors) == set(told["signatures"])
    for error in errors.values():
        assert 0 < error["export"] <= 4 * error["keras"] < 1e-4


def test_noise_inputs_give_the_same_without_seeds(dcgan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = f"--run_dir={dcgan.run_dir}", "--noise_inputs", "--horizon=1"
    assert call(saved_model, *arguments) == 0
    path = tmp_path / "models" / "srvp_noise_inputs" / "1"
    seed, frames = SEED[:2], floats(dcgan.given(2))
    noise = draw_from_start(dcgan.model.config, seed, frames.shape[1] + 1, num_samples=5)
    outputs = saved_model_writer.load_noise_inputs(path)(
        "predict_samples", {"frames": frames, **noise}
    )
    expected = dcgan.forecast(frames, seed, horizon=1, num_samples=5)
    np.testing.assert_allclose(outputs["predicted_frames"], expected, **CLOSE)
    graph = tf.saved_model.load(str(path / "predict_samples")).signatures["serving_default"]
    operations = {op.type for op in graph.graph.get_operations()}
    assert not [name for name in operations if "Random" in name or "Bitwise" in name]
