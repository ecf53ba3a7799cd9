"""Through either interface the client gives what the Keras model gives."""

import io

import numpy as np
import pytest
from PIL import Image

from export.client import InvalidExampleError
from srvp_tf.video import to_uint8
from tests.export import served

TOLERANCE = 1e-5
CASES = [(family, transport) for family in served.FAMILIES for transport in served.TRANSPORTS]
pytestmark = pytest.mark.parametrize(("family", "transport"), CASES)


@pytest.fixture
def client(family, transport):
    with served.client(served.shared_server(family), transport) as client:
        yield client


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


def test_predictions_are_those_of_the_model(client, family):
    videos = served.videos(family, batch=2)
    expected = served.forecast(family, videos, [3, 2**40], served.SAMPLES)
    assert_close(client.forecast(videos, [3, 2**40]), expected[:, 0])
    assert_close(client.forecast(videos, [3, 2**40], "predict_samples"), expected)
    assert_close(client.forecast(videos[0] / 255.0, 3), expected[0, 0])


def test_a_stream_gives_the_frames_of_one_prediction(client, family):
    videos = served.videos(family, batch=2)
    expected = served.forecast(family, videos, 7)[:, 0]
    stream = client.stream(videos, seed=7)
    for index in range(served.HORIZON):
        assert_close(stream.step(), expected[:, index])


def test_observing_a_frame_is_encoding_one_more(client, family):
    longer = served.videos(family, batch=1, num_frames=served.CONDITIONING + 2)[0]
    stream = client.stream(longer[: served.CONDITIONING], seed=7)
    stream.step()  # predictions ahead leave no trace in what was observed
    for frame in longer[served.CONDITIONING :]:
        stream.observe(frame)
        stream.step()
    stream.observe(longer[-1] / 255.0)
    observed = np.concatenate([longer, longer[-1:]])
    expected = served.forecast(family, observed[None], 7, horizon=3)[0, 0]
    for index in range(3):
        assert_close(stream.step(), expected[index])
    assert stream.num_observed == len(observed)
    assert stream.num_predicted == 3


def test_eight_requests_are_one_batch(client, family):
    videos, seeds = served.videos(family, batch=8), np.arange(8) * 11
    singly = [client.forecast(video, seed) for video, seed in zip(videos, seeds, strict=True)]
    assert_close(client.forecast(videos, seeds), np.stack(singly))


@pytest.mark.parametrize("poison", [np.nan, np.inf, 2.0, -1.0])
def test_an_invalid_example_is_named_and_touches_no_other(client, family, poison):
    videos = served.videos(family, batch=8).astype(np.float32) / 255
    clean = client.forecast(videos, 1)
    videos[5, 2, 0, 0, 0] = poison
    with pytest.raises(InvalidExampleError, match="example 5 of the batch") as caught:
        client.forecast(videos, 1)
    assert caught.value.examples == [5]
    others = np.arange(8) != 5
    predicted = caught.value.outputs["predicted_frames"]
    np.testing.assert_allclose(predicted[others], clean[others], rtol=0, atol=TOLERANCE)


def test_an_invalid_frame_leaves_a_stream_where_it_was(client, family):
    videos = served.videos(family, batch=1)
    expected = served.forecast(family, videos, 7)[0, 0]
    stream = client.stream(videos[0], seed=7)
    with pytest.raises(InvalidExampleError):
        stream.observe(np.full(videos.shape[2:], np.nan, np.float32))
    assert_close(stream.step(), expected[0])


def test_images_go_in_and_out_as_bytes(client, family):
    videos = served.videos(family, batch=2)
    expected = client.forecast(videos, [1, 2])
    images = [[png(frame) for frame in video] for video in videos]
    outputs = client.predict({"image_bytes": images, "seed": [1, 2]}, "predict_image_bytes")
    decoded = [[pixels(data) for data in video] for video in outputs["predicted_image_bytes"]]
    # Saved frames are floor(255 x); a value on the edge may fall either way in float32.
    difference = np.array(decoded, int) - to_uint8(expected).astype(int)
    assert abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.01


def test_metadata_says_what_the_signatures_take(client, family):
    metadata = client.metadata()
    c = served.model(family).config
    assert (metadata.name, metadata.version) == ("srvp", 1)
    default = metadata.signature("serving_default")
    frame = (c.frame_size, c.frame_size, c.channels)
    assert default.inputs == {
        "frames": (np.float32, (None, served.CONDITIONING, *frame)),
        "seed": (np.int64, (None,)),
    }
    assert default.outputs == {
        "predicted_frames": (np.float32, (None, served.HORIZON, *frame)),
        "valid": (bool, (None,)),
    }
    assert str(default.inputs["seed"]) == "int64 [B]"
    image_bytes = metadata.signature("predict_image_bytes").inputs["image_bytes"]
    assert str(image_bytes) == f"bytes [B, {served.CONDITIONING}]"


def png(frame):
    file = io.BytesIO()
    Image.fromarray(frame.squeeze()).save(file, "PNG")
    return file.getvalue()


def pixels(data):
    image = np.asarray(Image.open(io.BytesIO(data)))
    return image if image.ndim == 3 else image[..., None]
