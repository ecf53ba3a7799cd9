"""Software that is not ours reads what was exported, and predicts what the Keras model does."""

import numpy as np
import pytest

from export.writers.tflite import SIGNATURES as TFLITE_SIGNATURES
from tests.export.readers import onnx_files
from tests.export.readers.all_readers import IMAGE_BYTES, READERS, errors
from tests.export.small_export import KINDS


@pytest.mark.parametrize("kind", ["dcgan", pytest.param("vgg", marks=pytest.mark.long)])
def test_the_c_api_predicts_the_same(kind, request, tmp_path):
    exported = request.getfixturevalue(kind)
    frames = exported.cases["predict_samples"].expected["predicted_frames"]
    for axis in range(3):  # videos, samples and frames differ by far more than is allowed
        assert np.abs(np.diff(frames, axis=axis)).max(axis=(3, 4, 5)).min() > 5e-4
    found, _ = errors("C API", exported, tmp_path)
    assert found.keys() == exported.cases.keys()


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", [name for name in READERS if name != "C API"])
def test_other_readers_predict_the_same(reader, kind, request, tmp_path):
    exported = request.getfixturevalue(kind)
    found, _ = errors(reader, exported, tmp_path)
    everything = set(exported.cases)
    expected = {
        "older TensorFlow": everything,
        "OpenVINO": everything - {IMAGE_BYTES},
        "ONNX Runtime": everything - {IMAGE_BYTES},
        "LiteRT": set(TFLITE_SIGNATURES),
        "OpenVINO, TFLite": {"encode"},
    }
    assert found.keys() == expected[reader]


@pytest.mark.long
def test_an_invalid_video_in_an_onnx_file_is_flagged_and_touches_no_other(dcgan, tmp_path):
    """Its own frames are NaN there, not zeros: tf2onnx writes tf.where as a product."""
    call, _ = onnx_files.load(dcgan.noise_inputs, tmp_path)
    case = dcgan.cases["predict_multi_step"]
    frames = case.tensors["frames"].copy()
    frames[1, 0, 3, 3, 0] = np.nan
    outputs = call("predict_multi_step", {**case.tensors, "frames": frames})
    np.testing.assert_array_equal(outputs["valid"], np.arange(len(frames)) != 1)
    expected = case.expected["predicted_frames"]
    np.testing.assert_allclose(outputs["predicted_frames"][0], expected[0], atol=1e-5)
