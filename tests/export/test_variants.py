"""The paper's other dynamics as files: each export is read back and compared with Keras."""

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model, tflite
from export.signatures.seeded_noise import draw_from_start
from export.writers import saved_model as saved_model_writer
from export.writers import tflite as tflite_writer
from srvp_tf.runs.run_folder import load_model
from tests.export.small_export import VARIANTS, call, floats, make_run

pytestmark = pytest.mark.long

CONDITIONING_FRAMES, HORIZON = 3, 4
SEED = np.array([5, 9], np.int64)
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(params=VARIANTS, scope="module")
def run_dir(request, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("variant") / "run", *VARIANTS[request.param])


@pytest.fixture
def frames():
    return floats(
        np.random.default_rng(0).integers(0, 256, (2, CONDITIONING_FRAMES, 32, 32, 1), np.uint8)
    )


def forecast(model, frames, num_samples):
    ids, seed = np.zeros(len(frames), int), tf.constant(SEED)
    return model.forecast(frames, HORIZON, num_samples, seed, video_ids=ids).numpy()


def test_a_saved_model_predicts_and_steps(run_dir, frames, tmp_path):
    settings = "--num_samples=2", f"--horizon={HORIZON}"
    assert call(saved_model, f"--run_dir={run_dir}", f"--output_dir={tmp_path}", *settings) == 0
    ask = saved_model_writer.load_saved_model(tmp_path / "1")
    expected = forecast(load_model(run_dir), frames, num_samples=2)
    asked = {"frames": frames, "seed": SEED}
    found = ask("predict_samples", asked)["predicted_frames"]
    np.testing.assert_allclose(found, expected, **CLOSE)
    state = ask("encode", asked)
    for t in range(HORIZON):
        position = {"seed": SEED, "frame_index": np.full(2, CONDITIONING_FRAMES + t, np.int64)}
        answer = ask("predict_single_step", state | position)
        np.testing.assert_allclose(answer["predicted_frames"][:, 0], expected[:, 0, t], **CLOSE)
        state["y"] = answer["next_y"]


def test_a_tflite_file_predicts(run_dir, frames, tmp_path):
    path = tmp_path / "model.tflite"
    settings = "--batch=2", f"--horizon={HORIZON}"
    assert call(tflite, f"--run_dir={run_dir}", f"--output={path}", *settings) == 0
    model = load_model(run_dir)
    noise = draw_from_start(model.config, tf.constant(SEED), CONDITIONING_FRAMES + HORIZON)
    inputs = {"frames": frames} | {name: x.numpy() for name, x in noise.items()}
    found = tflite_writer.load_tflite(path)("predict_multi_step", inputs)["predicted_frames"]
    np.testing.assert_allclose(found, forecast(model, frames, 1)[:, 0], **CLOSE)
