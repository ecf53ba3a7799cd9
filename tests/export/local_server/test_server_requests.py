"""The stand-in refuses what is wrong with TensorFlow Serving's codes and a sentence."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, prediction_service_pb2_grpc

from tests.export.raw_requests import (
    FRAMES,
    GOOD,
    WRONG_INPUTS,
    columns,
    grpc_request,
    with_changes,
)


@pytest.fixture
def server(dcgan_server):
    return dcgan_server


@pytest.fixture(scope="module")
def stub(dcgan_server):
    with grpc.insecure_channel(dcgan_server.grpc_address) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def expected(dcgan):
    return dcgan.forecast(FRAMES, 3)[:, 0]


def refused(call, request):
    with pytest.raises(grpc.RpcError) as error:
        call(request)
    return error.value.code(), error.value.details()


def post(server, body, route="/v1/models/srvp:predict", **options):
    data = body if isinstance(body, bytes) else json.dumps(body)
    response = requests.post(server.rest_url + route, data=data, timeout=60, **options)
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, response.json()


@pytest.mark.parametrize("wrong", WRONG_INPUTS)
def test_wrong_inputs(server, stub, wrong):
    changes, sentence = WRONG_INPUTS[wrong]
    code, details = refused(stub.Predict, grpc_request(with_changes(changes)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in details
    status, body = post(server, columns(with_changes(changes)))
    assert status == 400
    assert sentence in body["error"]


@pytest.mark.parametrize(
    ("spec", "code", "sentence"),
    [
        ({"signature_name": "draw"}, "FAILED_PRECONDITION", '"draw" not found'),
        ({"name": "svg"}, "NOT_FOUND", "Servable not found for request: svg"),
        ({"name": ""}, "INVALID_ARGUMENT", "Missing model name"),
    ],
)
def test_wrong_signature_and_model_over_grpc(stub, spec, code, sentence):
    found, details = refused(stub.Predict, grpc_request(GOOD, **spec))
    assert found.name == code
    assert sentence in details


def test_output_filter(stub, expected):
    request = grpc_request(GOOD)
    request.output_filter.append("predicted_frames")
    response = stub.Predict(request)
    assert list(response.outputs) == ["predicted_frames"]
    answer = tf.make_ndarray(response.outputs["predicted_frames"])
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
    request.output_filter.append("z")
    code, details = refused(stub.Predict, request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "alias not found in signature: z" in details


def test_metadata_fields(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "srvp"
    assert "at least one metadata_field" in refused(stub.GetModelMetadata, request)[1]
    request.metadata_field.append("weights")
    assert "weights is not supported" in refused(stub.GetModelMetadata, request)[1]


def test_a_tensor_that_is_not_of_its_shape(stub):
    request = grpc_request(GOOD)
    frames = request.inputs["frames"]
    frames.ClearField("tensor_content")
    frames.float_val.append(0.5)  # stands for every value of the shape
    frames.tensor_shape.dim[0].size = 10**9
    code, details = refused(stub.Predict, request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "frames of shape [1000000000" in details
    frames.tensor_shape.dim[0].size = 1
    frames.tensor_content = b"torn"
    assert "frames is no tensor of shape" in refused(stub.Predict, request)[1]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b"[1]", "the JSON is a list, not an object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        ({"inputs": {}, "instances": []}, "only one of 'inputs' or 'instances'"),
        ({"signature_name": 1, "inputs": {}}, "'signature_name' key must be a string"),
        ({"signature_name": "draw", "inputs": {}}, '"draw" not found'),
        ({"instances": []}, "'instances' is empty"),
        ({"instances": [1, 2]}, "expecting list of objects"),
        ({"instances": [{"seed": 1}]}, "element: 0 of 'instances' list. Keys seed must be"),
        ({"inputs": [1]}, "expecting an object as multiple input tensors"),
        ({"inputs": {"frames": [[1], [1, 2]], "seed": [0]}}, "frames is no regular array"),
        ({"inputs": {"frames": [None], "seed": [0]}}, "frames holds JSON values"),
        ({"inputs": {"frames": FRAMES.tolist(), "seed": [10**30]}}, "seed holds JSON values"),
    ],
)
def test_broken_json(server, body, sentence):
    status, answer = post(server, body)
    assert status == 400
    assert sentence in answer["error"]


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([[{"b64": "%%"}] * 3], "image_bytes holds a b64 string that is not base64"),
        ([[1, 2, 3]], "image_bytes holds JSON values that are no strings"),
        ([["a"] * 3, ["b"]], "image_bytes is no regular array"),
        ([["a"] * 2], "image_bytes has shape [1, 2]; expected [batch, 3]"),
    ],
)
def test_broken_images(server, images, sentence):
    inputs = {"image_bytes": images, "seed": [0]}
    status, body = post(server, {"signature_name": "predict_image_bytes", "inputs": inputs})
    assert status == 400
    assert sentence in body["error"]


def test_a_body_of_100_mb_is_refused(server, stub):
    status, body = post(server, b" " * 100_000_000)
    assert status == 413
    assert "larger than max" in body["error"]
    # Without a length, and compressed: what counts is what would lie in memory.
    chunks = (b" " * 1_000_000 for _ in range(100))
    response = requests.post(f"{server.rest_url}/v1/models/srvp:predict", data=chunks, timeout=60)
    assert response.status_code == 413
    packed = gzip.compress(b" " * 100_000_000)
    assert post(server, packed, headers={"Content-Encoding": "gzip"})[0] == 413
    request = grpc_request({"frames": np.zeros(25_000_000, np.float32)})
    code, details = refused(stub.Predict, request)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in details


@pytest.mark.parametrize(
    ("method", "route", "status", "sentence"),
    [
        ("GET", "/v1/models/srvp:predict", 400, "Malformed request: GET"),
        ("POST", "/v1/models/srvp", 400, "Malformed request: POST"),
        ("GET", "/", 400, "Malformed request"),
        ("POST", "/v1/models/srvp:classify", 501, "classify is not served here"),
        ("POST", "/v1/models/svg:predict", 404, "request: svg"),
        ("POST", "/v1/models/srvp/versions/9:predict", 404, "Specific(srvp, 9)"),
        ("POST", "/v1/models/srvp/versions/x:predict", 400, "Malformed request"),
        ("POST", "/v1/models/srvp/labels/beta:predict", 400, "version label: beta"),
        ("GET", "/v1/models/svg", 404, "Could not find any versions of model svg"),
        ("GET", "/v1/models/svg/metadata", 404, "request: svg"),
    ],
)
def test_routes(server, method, route, status, sentence):
    response = requests.request(method, server.rest_url + route, data="{}", timeout=60)
    assert response.status_code == status
    assert sentence in response.json()["error"]


def test_status(server):
    available = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for route in ("", "/versions/1", "/labels/stable"):
        response = requests.get(f"{server.rest_url}/v1/models/srvp{route}", timeout=60)
        assert response.json() == {"model_version_status": [available]}


def test_many_at_once(server, stub, expected):
    def call(index):
        if index % 2:
            return tf.make_ndarray(stub.Predict(grpc_request(GOOD)).outputs["predicted_frames"])
        return post(server, columns(GOOD))[1]["outputs"]["predicted_frames"]

    with ThreadPoolExecutor(16) as pool:
        for answer in pool.map(call, range(48)):
            np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
