"""Exports of models with actions: every runtime gives what Keras gives for the same plan."""

import numpy as np
import pytest

from export import web
from export.client import InvalidExampleError
from export.client.__main__ import run_client
from export.signatures.build import build_signatures
from export.signatures.seeded_noise import draw_at_frame, draw_from_start
from export.writers.tflite import load_tflite
from srvp_tf.errors import UserError
from tests.export import served
from tests.export.small_export import SmallExport, floats, refusal

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
def server(exported):
    with served.serving(exported.served.parent) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    with served.client(server) as grpc, served.client(server, "rest columns") as rest:
        yield {"grpc": grpc, "rest": rest}


@pytest.mark.long
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


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_stream_is_the_prediction_action_by_action(exported, client, plans, expected, transport):
    count, videos, plan = exported.settings.conditioning_frames, exported.videos[:2], plans[:, 0]
    past, future = plan[:, : count - 1], plan[:, count - 1 :]
    stream = client[transport].stream(videos[:, :count], seed=7, actions=past)
    steps = [stream.step(action) for action in future.swapaxes(0, 1)]
    np.testing.assert_allclose(np.stack(steps, 1), expected[:, 0], atol=TOLERANCE)
    # What was done and seen instead: as if it had been encoded with the others.
    stream.observe(videos[:, count], future[:, 0])
    once = exported.forecast(videos[:, : count + 1], 7, plan, horizon=2, num_samples=1)
    steps = [stream.step(future[:, t]) for t in (1, 2)]
    np.testing.assert_allclose(np.stack(steps, 1), once[:, 0], atol=TOLERANCE)
    single = client[transport].stream(videos[0, :count], seed=7, actions=past[0])
    np.testing.assert_allclose(single.step(future[0, 0]), expected[0, 0, 0], atol=TOLERANCE)


@pytest.mark.parametrize("form", ["tflite", "saved model"])
def test_files_step_as_they_predict_at_once(exported, plans, expected, form):
    c, count, plan = exported.model.config, exported.settings.conditioning_frames, plans[:, 0]
    seed, videos = np.full(2, 7), floats(exported.videos[:2])
    ask = load_tflite(exported.tflite_file) if form == "tflite" else exported.ask

    def given(index=None, num_frames=None):
        address = {"seed": seed}
        if index is None:
            noise = draw_from_start(c, seed, num_frames)
        else:
            address["frame_index"] = np.full(2, index)
            noise = draw_at_frame(c, **address)
        return address | {name: x.numpy() for name, x in noise.items()}

    def changed(state, outputs):
        return state | {name.removeprefix("next_"): x for name, x in outputs.items()}

    def steps(state, first):
        frames = []
        for t in range(first, plan.shape[1] + 1):
            action = {"action": plan[:, t - 1]}
            outputs = ask("predict_single_step", state | action | given(t))
            state = changed(state, outputs)
            frames.append(outputs["predicted_frames"][:, 0])
        return np.stack(frames, 1)

    frames = {"frames": videos[:, :count]}
    whole = given(num_frames=plan.shape[1] + 1)
    at_once = ask("predict_multi_step", frames | {"actions": plan} | whole)["predicted_frames"]
    np.testing.assert_allclose(at_once, expected[:, 0], atol=TOLERANCE)
    past = {"actions": plan[:, : count - 1]}
    state = ask("encode", frames | past | given(num_frames=count))
    np.testing.assert_allclose(steps(state, count), expected[:, 0], atol=TOLERANCE)
    seen = {"frame": videos[:, count], "action": plan[:, count - 1]}
    state = changed(state, ask("observe", state | seen | given(count)))
    once = exported.forecast(videos[:, : count + 1], 7, plan, horizon=2, num_samples=1)
    np.testing.assert_allclose(steps(state, count + 1), once[:, 0], atol=TOLERANCE)


@pytest.mark.long
def test_one_frame_has_no_actions_before_it(tmp_path):
    lengths = {"conditioning_frames": 1, "max_conditioning_frames": 2}
    exported = SmallExport("one frame, actions", tmp_path, **lengths)
    inputs = build_signatures(exported.model, exported.settings)["encode"].inputs
    assert set(inputs) == {"frames"}
    assert exported.tflite_file.is_file() and exported.noise_inputs.is_dir()
    plan = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    expected = exported.forecast(exported.given(1), 7, plan[None])[0, 0]
    with served.serving(exported.served.parent) as server, served.client(server) as ask:
        for past in (None, plan[:0]):
            stream = ask.stream(exported.given(1)[0], 7, past)
            steps = [stream.step(action) for action in plan]
            np.testing.assert_allclose(steps, expected, atol=TOLERANCE)


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


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_actions_that_are_no_numbers_spoil_their_own_example(exported, bad):
    for name, case in exported.cases.items():
        key = next(key for key in case.tensors if key in ("action", "actions"))
        spoiled = case.tensors[key].copy()
        spoiled[0].flat[-1] = bad  # of predict_samples: in one of the plans
        outputs = exported.ask(name, case.tensors | {key: spoiled})
        rest = np.arange(len(spoiled)) > 0
        np.testing.assert_array_equal(outputs.pop("valid"), rest, err_msg=name)
        for output, found in outputs.items():
            if found.dtype == object:
                assert not any(found[0]) and all(found[rest].flat)
                continue
            assert not found[0].any()
            np.testing.assert_allclose(found[rest], case.expected[output][rest], atol=TOLERANCE)


def test_the_client_names_the_example_of_bad_actions(exported, client, plans):
    bad = plans[:, 0].copy()
    bad[1, -1, 0] = np.nan
    for ask in client.values():
        with pytest.raises(InvalidExampleError) as caught:
            ask.forecast(exported.given(2), 7, actions=bad)
        assert caught.value.examples == [1]


@pytest.fixture
def command(exported, tmp_path, capsys):
    """A function of the client's flags and a plan: (exit status, error, frames written)."""
    np.savez(tmp_path / "clip.npz", frames=exported.videos[0])

    def run(server, action, plan, *flags, table="plan.csv"):
        if table.endswith(".npy"):
            np.save(tmp_path / table, plan)
        else:
            np.savetxt(tmp_path / table, plan, delimiter=",", header="x,y", comments="")
        output = tmp_path / "out.npz"
        output.unlink(missing_ok=True)
        paths = f"--input={tmp_path / 'clip.npz'}", f"--output={output}"
        given = f"--server={server}", "--seed=7", f"--actions={tmp_path / table}", *paths, *flags
        with pytest.raises(SystemExit) as caught:
            run_client(["client", action, *given])
        error = capsys.readouterr().err
        if not output.exists():
            return caught.value.code, error, None
        with np.load(output) as arrays:
            return caught.value.code or 0, error, arrays["frames"]

    return run


@pytest.mark.parametrize("table", ["plan.csv", "plan.npy"])
def test_the_command_takes_a_table(exported, server, plans, command, table):
    def quantised(frames):
        return np.floor(255 * frames[0])

    address, video, plan = server.grpc_address, exported.given(1), plans[:1, 0]
    both = np.stack([plan, plan], 1)
    expected = quantised(exported.forecast(video, 7, both))
    for flags, count in [((), 1), (("--num_samples=2",), 2)]:
        status, _, frames = command(address, "predict", plan[0], *flags, table=table)
        assert status == 0
        assert (abs(frames - expected[:count]) <= 1).all()
    seen = exported.videos[:1, : exported.settings.conditioning_frames + 1]
    expected = quantised(exported.forecast(seen, 7, plan, horizon=2, num_samples=1))
    flags = "--observe=1", "--horizon=2"
    status, _, frames = command(address, "stream", plan[0], *flags, table=table)
    assert status == 0
    assert (abs(frames - expected) <= 1).all()


def test_the_command_refuses_in_one_line(server, dcgan_server, plans, command):
    own, plain, plan = server.grpc_address, dcgan_server.grpc_address, plans[0, 0]
    none, short = "has no input actions", "has 5 rows, the 8 frames have 7 intervals"
    for arguments, sentence in [
        ((own, "predict", plan[:-1]), "actions has shape [1, 4, 2]; the model takes"),
        ((own, "stream", plan, "--observe=1", "--horizon=4"), short),
        ((plain, "predict", plan), none),
        ((plain, "predict", plan, "--num_samples=2"), none),
        ((plain, "stream", plan, "--horizon=3"), none),
    ]:
        status, error, frames = command(*arguments)
        assert (status, frames) == (1, None)
        assert sentence in error and error.count("\n") == 1


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
    with pytest.raises(UserError, match="'predict_single_step' also needs action"):
        stream.step()
    with pytest.raises(UserError, match="'observe' also needs action"):
        stream.observe(video[0])
    with pytest.raises(UserError, match=r"action has shape \[1, 3\]"):
        stream.step([0.0, 1.0, 2.0])
    with served.client(dcgan_server) as other:
        with pytest.raises(UserError, match="has no input actions"):
            other.forecast(dcgan.given(1)[0], 7, actions=plans[0, 0])
        with pytest.raises(UserError, match="has no input action;"):
            other.stream(dcgan.given(1)[0], 7).step([0.0, 1.0])


def test_a_page_is_not_for_models_with_actions(exported, capsys, tmp_path):
    line = refusal(capsys, web, f"--run_dir={exported.run_dir}", f"--output={tmp_path / 'page'}")
    assert "--action_size=2: this export is not for models with actions" in line
    assert "use export.saved_model or export.tflite" in line
