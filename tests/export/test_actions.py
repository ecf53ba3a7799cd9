"""Exports of models with actions: every runtime gives what Keras gives for the same plan."""

import numpy as np
import pytest

from export import web
from export.client import InvalidExampleError
from export.signatures.build import build_signatures
from export.writers.saved_model import load_saved_model, write_served
from export.writers.settings import ExportSettings
from export.writers.tflite import load_tflite
from srvp_tf.errors import UserError
from tests.export import served
from tests.export.small_export import SmallExport, floats, refusal
from tests.models.small import random_videos, small_model

TOLERANCE = 1e-5
KINDS = ["actions", pytest.param("svg, actions", marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    return SmallExport(request.param, tmp_path_factory.mktemp("actions"))


@pytest.fixture(scope="module")
def plans(exported):
    """Two plans for each of two videos, with one past: [2, 2, T - 1 + horizon, 2]."""
    s = exported.settings
    plans = np.random.default_rng(0).normal(size=(2, 2, s.conditioning_frames - 1 + s.horizon, 2))
    plans[:, 1, : s.conditioning_frames - 1] = plans[:, 0, : s.conditioning_frames - 1]
    return plans.astype(np.float32)


@pytest.fixture(scope="module")
def expected(exported, plans):
    """Two futures of two videos, of seed 7."""
    return exported.forecast(exported.given(2), 7, plans)


@pytest.fixture(scope="module")
def client(exported):
    with served.serving(exported.served.parent) as server:
        with served.client(server) as grpc, served.client(server, "rest columns") as rest:
            yield {"grpc": grpc, "rest": rest}


def test_the_commands_find_their_files_right(exported):
    """They compare every signature with float64 and write nothing that is wrong."""
    assert exported.saved_model.is_dir() and exported.noise_inputs.is_dir()
    assert exported.tflite_file.is_file()
    warmup = exported.saved_model / "assets.extra" / "tf_serving_warmup_requests"
    assert warmup.stat().st_size > 0


def test_signatures_take_actions_and_those_of_other_models_do_not(exported, dcgan):
    s = exported.settings
    intervals = s.conditioning_frames - 1 + s.horizon
    shapes = {
        "predict_multi_step": {"actions": (intervals, 2)},
        "predict_samples": {"actions": (s.num_samples, intervals, 2)},
        "predict_multi_step_variable": {"actions": (s.max_conditioning_frames - 1 + s.horizon, 2)},
        "encode": {"actions": (s.conditioning_frames - 1, 2)},
        "observe": {"action": (2,)},
        "predict_single_step": {"action": (2,)},
        "predict_image_bytes": {"actions": (intervals, 2)},
    }
    signatures = build_signatures(exported.model, s)
    assert set(signatures) == set(shapes)
    for name, signature in signatures.items():
        found = {key: x.shape for key, x in signature.inputs.items() if "action" in key}
        assert found == shapes[name]
    for signature in build_signatures(dcgan.model, dcgan.settings).values():
        assert not any("action" in name for name in signature.inputs)


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_served_model_follows_the_plan(exported, client, plans, expected, transport):
    ask, videos = client[transport], exported.given(2)
    predicted = ask.forecast(videos, 7, "predict_samples", plans)
    np.testing.assert_allclose(predicted, expected, atol=TOLERANCE)
    predicted = ask.forecast(videos[0], 7, actions=plans[0, 0])
    np.testing.assert_allclose(predicted, expected[0, 0], atol=TOLERANCE)


def test_a_stream_is_the_prediction_action_by_action(exported, client, plans, expected):
    count, videos, plan = exported.settings.conditioning_frames, exported.videos[:2], plans[:, 0]
    past, future = plan[:, : count - 1], plan[:, count - 1 :]
    stream = client["grpc"].stream(videos[:, :count], seed=7, actions=past)
    steps = [stream.step(action) for action in future.swapaxes(0, 1)]
    np.testing.assert_allclose(np.stack(steps, 1), expected[:, 0], atol=TOLERANCE)
    # What was done and seen instead: as if it had been encoded with the others.
    stream.observe(videos[:, count], future[:, 0])
    seen, done = videos[:, : count + 1], plan[:, : count + 2]
    once = exported.forecast(seen, 7, done, horizon=2, num_samples=1)
    steps = [stream.step(future[:, t]) for t in (1, 2)]
    np.testing.assert_allclose(np.stack(steps, 1), once[:, 0], atol=TOLERANCE)
    single = client["rest"].stream(videos[0, :count], seed=7, actions=past[0])
    np.testing.assert_allclose(single.step(future[0, 0]), expected[0, 0, 0], atol=TOLERANCE)


def test_tflite_and_the_saved_model_step_alike(exported, plans):
    from export.signatures.seeded_noise import draw_at_frame, draw_from_start

    c, count = exported.model.config, exported.settings.conditioning_frames
    seed, frames = np.full(2, 7), floats(exported.given(2))
    answers = []
    for call in (load_tflite(exported.tflite_file), load_saved_model(exported.saved_model)):
        noise = {name: x.numpy() for name, x in draw_from_start(c, seed, count).items()}
        given = {"frames": frames, "actions": plans[:, 0, : count - 1], "seed": seed}
        state = call("encode", given | noise)
        noise = draw_at_frame(c, seed, np.full(2, count))
        given = {"action": plans[:, 0, count - 1], "seed": seed, "frame_index": np.full(2, count)}
        given |= {name: x.numpy() for name, x in noise.items()}
        answers.append(call("predict_single_step", state | given)["predicted_frames"])
    np.testing.assert_allclose(*answers, atol=TOLERANCE)


def test_one_given_frame_has_no_actions_before_it(tmp_path):
    model = small_model(action_size=2, nt_inf=1)
    settings = ExportSettings(1, 2, horizon=2, num_samples=2, euler_steps=2, frames_per_step=1)
    write_served(tmp_path / "1", model, settings)
    frames, plan = random_videos(model.config, 2, 1), np.ones((2, 2, 2), np.float32)
    expected = model.forecast(frames, 2, seed=7, video_ids=np.zeros(2, int), actions=plan)[:, 0]
    with served.serving(tmp_path) as server, served.client(server) as client:
        stream = client.stream(frames, seed=7, actions=plan[:, :0])
        steps = [stream.step(plan[:, t]) for t in range(2)]
    np.testing.assert_allclose(np.stack(steps, 1), expected, atol=TOLERANCE)


def test_actions_beyond_the_horizon_of_a_shorter_video_do_not_count(exported, client, plans):
    s, videos = exported.settings, exported.videos[:1]
    rows = np.full((1, s.max_conditioning_frames - 1 + s.horizon, 2), np.nan, np.float32)
    count = s.conditioning_frames
    rows[:, : count - 1 + s.horizon] = plans[:1, 0]
    padded = floats(videos[:, : s.max_conditioning_frames])
    given = {"frames": padded, "num_frames": [count], "actions": rows, "seed": [7]}
    found = client["grpc"].predict(given, "predict_multi_step_variable")["predicted_frames"]
    expected = client["grpc"].forecast(videos[:, :count], 7, actions=plans[:1, 0])
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_actions_that_are_no_numbers_spoil_their_own_example(exported, client, plans, expected):
    bad = plans[:, 0].copy()
    bad[1, -1, 0] = np.nan
    with pytest.raises(InvalidExampleError) as caught:
        client["grpc"].forecast(exported.given(2), 7, actions=bad)
    assert caught.value.examples == [1]
    predicted = caught.value.outputs["predicted_frames"]
    np.testing.assert_allclose(predicted[0], expected[0, 0], atol=TOLERANCE)
    assert not predicted[1].any()


def test_missing_and_superfluous_actions_are_one_line(exported, client, dcgan_server, dcgan, plans):
    ask, video = client["grpc"], exported.given(1)[0]
    count = exported.settings.conditioning_frames
    with pytest.raises(UserError, match="also needs actions"):
        ask.forecast(video, 7)
    with pytest.raises(UserError, match=r"actions has shape \[1, 3, 2\]"):
        ask.forecast(video, 7, actions=plans[0, 0, :3])
    with pytest.raises(UserError, match="also needs actions"):
        ask.stream(video, 7)
    stream = ask.stream(video, 7, plans[0, 0, : count - 1])
    with pytest.raises(UserError, match="give predict_single_step an action"):
        stream.step()
    with pytest.raises(UserError, match="give observe an action"):
        stream.observe(video[0])
    with pytest.raises(UserError, match=r"action has shape \[1, 3\]"):
        stream.step([0.0, 1.0, 2.0])
    with served.client(dcgan_server) as other:
        with pytest.raises(UserError, match="has no input actions"):
            other.forecast(dcgan.given(1)[0], 7, actions=plans[0, 0])
        with pytest.raises(UserError, match="takes no actions"):
            other.stream(dcgan.given(1)[0], 7).step([0.0, 1.0])


def test_a_page_is_not_for_models_with_actions(exported, capsys, tmp_path):
    line = refusal(capsys, web, f"--run_dir={exported.run_dir}", f"--output={tmp_path / 'page'}")
    assert "which this export needs" in line
