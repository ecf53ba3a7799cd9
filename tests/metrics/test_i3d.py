"""I3D with random weights against PyTorch, float64; FVD's preprocessing against its definition."""

import numpy as np
import pytest

from srvp_tf.errors import UserError
from srvp_tf.metrics.frechet import frechet_distance
from srvp_tf.metrics.fvd import DrawnFVD, VideoFeatures, preprocess
from srvp_tf.metrics.i3d import I3D
from srvp_tf.metrics.lpips import assign_weights
from tests.metrics import torch_networks
from tests.metrics.weight_files import i3d_tree, weights


@pytest.fixture(scope="module")
def model():
    model = I3D()
    assign_weights(model, weights("fvd"), "test")
    return model


def random_videos(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("num_frames", [pytest.param(9, marks=pytest.mark.long), 18])
def test_equals_pytorch(model, num_frames):
    videos = np.random.default_rng(num_frames).uniform(-1, 1, (1, num_frames, 224, 224, 3))
    expected = torch_networks.i3d(i3d_tree(), videos.astype(np.float32))
    found = model(videos.astype(np.float32)).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("size", [(64, 64), (48, 300)])
def test_preprocessing_is_tensorflow_1s(size):
    videos = random_videos(2, 3, *size, 1)

    def weights(n):
        """[224, n]; pixel i is read at i * n / 224, the last pixel is repeated beyond the end."""
        place = np.arange(224, dtype=np.float64) * n / 224
        low, matrix = np.floor(place).astype(int), np.zeros((224, n))
        np.add.at(matrix, (np.arange(224), low), 1 - (place - low))
        np.add.at(matrix, (np.arange(224), np.minimum(low + 1, n - 1)), place - low)
        return matrix

    rows, columns = (weights(n) for n in size)
    resized = np.einsum("ah,nthwc,bw->ntabc", rows, videos / 1.0, columns, optimize=True)
    expected = (2 * resized / 255 - 1).repeat(3, -1)
    # A place near 300 pixels is known to 3e-5 of a pixel in float32.
    np.testing.assert_allclose(preprocess(videos), expected, atol=1e-4)


def test_features_do_not_depend_on_chunks(model, monkeypatch):
    videos = random_videos(2, 9, 16, 16, 3)
    together = VideoFeatures(model)(videos)
    monkeypatch.setattr("srvp_tf.metrics.fvd._CHUNK_BYTES", 0)
    np.testing.assert_allclose(VideoFeatures(model)(videos), together, rtol=1e-4, atol=1e-5)


def test_draws_are_judged_without_the_conditioning_frames(model):
    """With them: tests/evaluation/test_evaluate_command.py."""
    videos = random_videos(2, 11, 16, 16, 1)
    draws = random_videos(2, 2, 9, 16, 16, 1, seed=1)
    fvd = DrawnFVD(model, 2, "predicted")
    fvd.update(videos[:1], draws[:1])
    fvd.update(videos[1:], draws[1:])
    features = VideoFeatures(model)
    truth = features(videos[:, 2:])
    expected = [frechet_distance(truth, features(draws[:, i])) for i in range(2)]
    summary = fvd.summary()
    np.testing.assert_allclose(summary["draws"], expected, rtol=1e-4)
    assert (summary["videos"], summary["frames"]) == (2, "predicted")


def test_short_videos_are_an_error(model):
    with pytest.raises(UserError, match="at least 9 frames, these have 8"):
        VideoFeatures(model)(random_videos(1, 8, 16, 16, 1))
