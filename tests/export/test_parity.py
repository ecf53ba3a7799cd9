"""An export is judged by float64: right ones pass on every processor, broken ones do not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export import parity
from export.signatures.build import MULTI_STEP, build_signatures
from export.writers import saved_model as saved_model_writer
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from srvp_tf.authors.importer import import_experiment
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder, load_model

ROOT = Path(__file__).parents[2]
VGG_WITH_SKIPS = ROOT / "tests" / "data" / "golden" / "official_vgg_skip_gray"
PROCESSORS = {
    "this one's": {},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "1"},
    "without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
}
HORIZON = 4


# --- what the comparison says --------------------------------------------------------------------

# Two videos of one pixel and three frames; Keras errs more from frame to frame.
EXACT = np.full((2, 3, 1, 1, 1), 0.5)
KERAS = np.array([0, 1e-5, 1e-4]).reshape(1, 3, 1, 1, 1)


@pytest.mark.parametrize(
    ("errors", "keras", "expected"),
    [
        ([0, 3e-5, 3.9e-4], KERAS, (3.9e-4, 1e-4)),
        ([3.9e-6, 0, 0], KERAS, (3.9e-6, 1e-6)),
        ([4.1e-6, 0, 0], KERAS, "step is 4.1e-06 from float64, Keras 1.0e-06"),
        ([0, 4.1e-5, 0], KERAS, "step is 4.1e-05 from float64, Keras 1.0e-05"),
        ([0, 0, 9e-3], 100 * KERAS, (9e-3, 1e-2)),
        ([0, 0, 1.1e-2], 100 * KERAS, "step is 1.1e-02 from float64, Keras 1.0e-02"),
        ([0, np.nan, 0], KERAS, "step is nan from float64"),
    ],
)
def test_each_frame_has_its_bound(errors, keras, expected):
    found = EXACT + np.reshape(errors, (1, 3, 1, 1, 1))
    outcome = judged({"predicted_frames": found}, EXACT + keras, EXACT)
    if isinstance(expected, str):
        assert expected in str(outcome)
    else:
        assert outcome[:2] == pytest.approx(expected)


def judged(outputs, keras, exact, valid=True):
    """The `Errors` of a signature `step` of one output, or the `UserError`."""
    (name,) = outputs
    case = parity.Case({"x": np.zeros(1)}, {name: keras}, {name: exact})

    def call(signature, tensors):
        assert (signature, list(tensors)) == ("step", ["x"])
        return {**outputs, "valid": np.array([valid])}

    try:
        return parity.check_parity(call, {"step": case})["step"]
    except UserError as error:
        return error


def test_states_are_judged_whole_and_in_parts_of_their_range():
    exact = np.array([[0.5, -200.0], [1.0, 2.0]])
    assert judged({"y": exact + 0.0007}, exact, exact).export == pytest.approx(3.5e-6)
    assert "step is 5.0e-06 from float64" in str(judged({"y": exact + 0.001}, exact, exact))
    assert "calls a real video invalid" in str(judged({"y": exact}, exact, exact, valid=False))


def test_one_video_that_is_wrong_is_found_among_others_that_are_right():
    exact = np.full((parity.NUM_VIDEOS, 1, 4, 4, 1), 0.5)
    found = exact.copy()
    found[3, 0, 2, 2, 0] += 2e-2
    assert "(worst video 2.0e-02)" in str(judged({"predicted_frames": found}, exact, exact))
    found[3, 0, 2, 2, 0] -= 1.5e-2  # where Keras is led as far, it is chance
    keras = exact.copy()
    keras[5, 0, 2, 2, 0] += 2e-3
    assert judged({"predicted_frames": found}, keras, exact).worst == pytest.approx(5e-3)


# --- right ones and broken ones ------------------------------------------------------------------


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """(A model of the authors with skips, its `ExportSettings`, two signatures' `parity.Case`s)."""
    folder = tmp_path_factory.mktemp("official") / "run"
    import_experiment(VGG_WITH_SKIPS, folder)
    model, config = load_model(folder), RunFolder(folder).config()
    count = config.data.nt_cond
    settings = ExportSettings(count, count, HORIZON, 1, config.model.euler_steps, 1)
    frames, _ = real_frames(config, parity.NUM_VIDEOS, parity.frames_needed(settings))
    names = MULTI_STEP, "encode"
    return model, settings, parity.reference_cases(model, settings, frames, names)


@pytest.fixture
def check(official):
    """A model -> `parity.check_parity` of what would be exported of it, as its graphs compute."""
    _, settings, cases = official

    def check(model):
        signatures = build_signatures(model, settings)
        graphs = {x: saved_model_writer.concrete_function(signatures[x], True) for x in cases}

        def call(name, tensors):
            given = {key: tf.constant(tensors[key]) for key in signatures[name].fields(True)}
            return {key: value.numpy() for key, value in graphs[name](**given).items()}

        return parity.check_parity(call, cases)

    return check


def test_a_model_of_the_authors_is_right(official, check):
    """It was refused, as it amplifies rounding by more than a fixed bound allows."""
    model, _, cases = official
    for error in check(model.frozen()).values():
        assert error.export <= 4 * error.keras
    case = cases[MULTI_STEP]
    assert np.abs(case.expected["predicted_frames"] - case.exact["predicted_frames"]).max() > 1e-5


@pytest.mark.parametrize("index", [pytest.param(0, marks=pytest.mark.long), 32])
def test_one_weight_that_is_a_hundredth_off_is_found(official, check, index):
    model = official[0].frozen()
    kernels = [weight for weight in model.weights if "kernel" in weight.path]
    kernel = kernels[index % len(kernels)]
    kernel.assign(1.01 * kernel)
    with pytest.raises(UserError, match="from float64, Keras"):
        check(model)


def test_a_wrong_padding_is_found(official, check, monkeypatch):
    convolve = tf.nn.conv2d

    def shifted(inputs, kernel, strides, padding):  # as PyTorch and TensorFlow differ by strides
        if padding != "SAME" or kernel.shape[0] != 3:
            return convolve(inputs, kernel, strides, padding)
        padded = tf.pad(inputs, [[0, 0], [0, 2], [0, 2], [0, 0]])
        return convolve(padded, kernel, strides, "VALID")

    model = official[0].frozen()
    monkeypatch.setattr(tf.nn, "conv2d", shifted)
    with pytest.raises(UserError, match="from float64, Keras"):
        check(model)


@pytest.mark.long
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("run", ["pretrained/smmnist", "official"])
def test_exports_are_accepted_on_every_processor(tmp_path, processor, run):
    if run == "official":
        run = tmp_path / "run"
        import_experiment(VGG_WITH_SKIPS, run)
    outputs = {
        "saved_model": [f"--output_dir={tmp_path / 'models'}"],
        "tflite": [f"--output={tmp_path / 'x.tflite'}"],
    }
    for command, arguments in outputs.items():
        done = subprocess.run(
            [sys.executable, "-m", f"export.{command}", f"--run_dir={run}", *arguments],
            cwd=ROOT,
            env=os.environ | PROCESSORS[processor],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "from float64, Keras" in done.stdout and "wrote " in done.stdout
