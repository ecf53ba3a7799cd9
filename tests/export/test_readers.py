"""Software that is not ours reads what was exported, and predicts what the Keras model does."""

import sys

import numpy as np
import pytest

from export.writers.tflite import SIGNATURES as TFLITE_SIGNATURES
from tests.export import small_export
from tests.export.readers import exported, onnx_files
from tests.export.readers.all_readers import IMAGE_BYTES, READERS, errors
from tests.export.readers.packages import require

kinds = pytest.mark.parametrize("kind", small_export.KINDS)


@pytest.mark.parametrize("kind", ["dcgan", pytest.param("vgg", marks=pytest.mark.long)])
def test_the_c_api_predicts_the_same(kind, tmp_path):
    found, _ = errors("C API", kind, tmp_path)
    assert found.keys() == exported.cases(kind).keys()


@pytest.mark.long
@kinds
@pytest.mark.parametrize("reader", [name for name in READERS if name != "C API"])
def test_other_readers_predict_the_same(reader, kind, tmp_path):
    found, _ = errors(reader, kind, tmp_path)
    everything = set(exported.cases(kind))
    expected = {
        "older TensorFlow": everything,
        "OpenVINO": everything - {IMAGE_BYTES},
        "ONNX Runtime": everything - {IMAGE_BYTES},
        "LiteRT": set(TFLITE_SIGNATURES),
        "OpenVINO, TFLite": {"encode"},
    }
    assert found.keys() == expected[reader]


@kinds
def test_what_they_are_asked_tells_videos_and_frames_apart(kind):
    frames = exported.cases(kind)["predict_samples"].expected["predicted_frames"]
    for axis in range(3):
        assert np.abs(np.diff(frames, axis=axis)).max(axis=(3, 4, 5)).min() > 5e-4


def test_a_missing_reader_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match=r"openvino.* pip install '.\[test-long\]'"):
        require("openvino")


@pytest.mark.long
def test_an_invalid_video_in_an_onnx_file_is_flagged_and_touches_no_other(tmp_path):
    """Its own frames are NaN there, not zeros: tf2onnx writes tf.where as a product."""
    call, _ = onnx_files.load(exported.noise_inputs("dcgan"), tmp_path)
    case = exported.cases("dcgan")["predict_multi_step"]
    frames = case.tensors["frames"].copy()
    frames[1, 0, 3, 3, 0] = np.nan
    outputs = call("predict_multi_step", {**case.tensors, "frames": frames})
    np.testing.assert_array_equal(outputs["valid"], np.arange(len(frames)) != 1)
    expected = case.expected["predicted_frames"]
    np.testing.assert_allclose(outputs["predicted_frames"][0], expected[0], atol=1e-5)
