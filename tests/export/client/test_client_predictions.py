"""Through either interface the client gives what the Keras model gives."""

import io

import numpy as np
import pytest
from PIL import Image

from export.client import InvalidExampleError
from srvp_tf.video import to_uint8
from tests.export import served
from tests.export.small_export import floats

TOLERANCE = 1e-5
CASES = [("dcgan", "grpc"), ("dcgan", "rest rows"), ("dcgan", "rest columns")]
CASES += [pytest.param(("vgg", "grpc"), marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=CASES, ids=", ".join)
def asked(request):
    """(A `SmallExport`, a client of its server)."""
    kind, transport = request.param
    exported, server = map(request.getfixturevalue, (kind, f"{kind}_server"))
    with served.client(server, transport) as client:
        yield exported, client


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE)


def frames_of(stream, expected):
    """What the stream predicts of videos [B, K, H, W, C], by as many steps as that needs."""
    shape = len(expected), -1, *expected.shape[2:]
    steps = [stream.step().reshape(shape)]
    for _ in range(expected.shape[1] // steps[0].shape[1] - 1):
        steps.append(stream.step().reshape(shape))
    return np.concatenate(steps, axis=1)


def test_predictions_are_those_of_the_model(asked):
    exported, client = asked
    videos = exported.given(2)
    expected = exported.forecast(floats(videos), [3, 2**40])
    assert_close(client.forecast(videos, [3, 2**40]), expected[:, 0])
    assert_close(client.forecast(videos, [3, 2**40], "predict_samples"), expected)
    assert_close(client.forecast(videos[0] / 255.0, 3), expected[0, 0])


def test_a_stream_gives_the_frames_of_one_prediction(asked):
    exported, client = asked
    expected = exported.forecast(floats(exported.given(2)), 7)[:, 0]
    assert_close(frames_of(client.stream(exported.given(2), seed=7), expected), expected)


def test_observing_a_frame_is_encoding_one_more(asked):
    exported, client = asked
    count, videos = exported.settings.conditioning_frames, exported.videos[:1]
    stream = client.stream(videos[0, :count], seed=7)
    stream.step()  # predictions ahead leave no trace in what was observed
    for frame in videos[0, count : count + 2]:
        stream.observe(frame)
        stream.step()
    stream.observe(videos[0, count + 2] / 255.0)
    expected = exported.forecast(floats(videos[:, : count + 3]), 7)[:, 0]
    assert_close(frames_of(stream, expected), expected)
    assert stream.num_observed == count + 3
    assert stream.num_predicted == exported.settings.horizon


def test_eight_requests_are_one_batch(asked):
    exported, client = asked
    videos, seeds = exported.given(8), np.arange(8) * 11
    singly = [client.forecast(video, seed) for video, seed in zip(videos, seeds, strict=True)]
    assert_close(client.forecast(videos, seeds), np.stack(singly))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -1.0])
def test_an_invalid_example_is_named_and_touches_no_other(asked, poison):
    exported, client = asked
    videos = floats(exported.given(8))
    clean = client.forecast(videos, 1)
    videos[5, 2, 0, 0, 0] = poison
    with pytest.raises(InvalidExampleError, match="example 5 of the batch") as caught:
        client.forecast(videos, 1)
    assert caught.value.examples == [5]
    others = np.arange(8) != 5
    predicted = caught.value.outputs["predicted_frames"]
    np.testing.assert_allclose(predicted[others], clean[others], rtol=0, atol=TOLERANCE)


def test_an_invalid_frame_leaves_a_stream_where_it_was(asked):
    exported, client = asked
    videos = exported.given(1)
    expected = exported.forecast(floats(videos), 7)[:, 0]
    stream = client.stream(videos[0], seed=7)
    with pytest.raises(InvalidExampleError):
        stream.observe(np.full(videos.shape[2:], np.nan, np.float32))
    assert_close(frames_of(stream, expected), expected)


def test_images_go_in_and_out_as_bytes(asked):
    exported, client = asked
    expected = client.forecast(exported.given(2), [1, 2])
    images = [[png(frame) for frame in video] for video in exported.given(2)]
    outputs = client.predict({"image_bytes": images, "seed": [1, 2]}, "predict_image_bytes")
    decoded = [[pixels(data) for data in video] for video in outputs["predicted_image_bytes"]]
    # Saved frames are floor(255 x); a value on the edge may fall either way in float32.
    difference = np.array(decoded, int) - to_uint8(expected).astype(int)
    assert abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.01


def test_metadata_says_what_the_signatures_take(asked):
    exported, client = asked
    metadata, s = client.metadata(), exported.settings
    frame = exported.videos.shape[2:]
    assert (metadata.name, metadata.version) == ("srvp", 1)
    default = metadata.signature("serving_default")
    assert default.inputs == {
        "frames": (np.float32, (None, s.conditioning_frames, *frame)),
        "seed": (np.int64, (None,)),
    }
    assert default.outputs == {
        "predicted_frames": (np.float32, (None, s.predicted_frames, *frame)),
        "valid": (bool, (None,)),
    }
    assert str(default.inputs["seed"]) == "int64 [B]"
    image_bytes = metadata.signature("predict_image_bytes").inputs["image_bytes"]
    assert str(image_bytes) == f"bytes [B, {s.conditioning_frames}]"


def png(frame):
    file = io.BytesIO()
    Image.fromarray(frame.squeeze()).save(file, "PNG")
    return file.getvalue()


def pixels(data):
    image = np.asarray(Image.open(io.BytesIO(data)))
    return image if image.ndim == 3 else image[..., None]
