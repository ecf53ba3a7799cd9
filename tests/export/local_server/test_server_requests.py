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

PREDICT = "/v1/models/srvp:predict"


@pytest.fixture(scope="module")
def stub(dcgan_server):
    with grpc.insecure_channel(dcgan_server.grpc_address) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def expected(dcgan):
    return dcgan.forecast(FRAMES, 3)[:, 0]


@pytest.fixture
def ask(dcgan_server):
    """A function of a request over REST: (status, the answer's JSON)."""

    def ask(body, route=PREDICT, method="POST", **options):
        data = json.dumps(body) if isinstance(body, dict) else body
        url = dcgan_server.rest_url + route
        response = requests.request(method, url, data=data, timeout=60, **options)
        return response.status_code, response.json()

    return ask


def refused(call, request):
    with pytest.raises(grpc.RpcError) as error:
        call(request)
    return error.value.code().name, error.value.details()


@pytest.mark.parametrize("wrong", WRONG_INPUTS)
def test_wrong_inputs(ask, stub, wrong):
    changes, sentence = WRONG_INPUTS[wrong]
    code, details = refused(stub.Predict, grpc_request(with_changes(changes)))
    assert code == "INVALID_ARGUMENT" and sentence in details
    status, body = ask(columns(with_changes(changes)))
    assert status == 400 and sentence in body["error"]


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
    assert found == code and sentence in details


def test_output_filter(stub, expected):
    request = grpc_request(GOOD)
    request.output_filter.append("predicted_frames")
    response = stub.Predict(request)
    assert list(response.outputs) == ["predicted_frames"]
    answer = tf.make_ndarray(response.outputs["predicted_frames"])
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
    request.output_filter.append("z")
    code, details = refused(stub.Predict, request)
    assert code == "INVALID_ARGUMENT" and "alias not found in signature: z" in details


def test_metadata_fields(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "srvp"
    assert "at least one metadata_field" in refused(stub.GetModelMetadata, request)[1]
    request.metadata_field.append("weights")
    assert "weights is not supported" in refused(stub.GetModelMetadata, request)[1]


def test_a_torn_tensor(stub):
    request = grpc_request(GOOD)
    request.inputs["frames"].tensor_content = b"torn"
    code, details = refused(stub.Predict, request)
    assert code == "INVALID_ARGUMENT" and "frames is no tensor of its shape" in details


def images(*values):
    return {"signature_name": "predict_image_bytes", "inputs": {"image_bytes": values, "seed": [0]}}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b"[1]", "the JSON is a list, not an object"),
        (b"{}", "'inputs' and 'instances'"),
        ({"inputs": {}, "instances": []}, "'inputs' and 'instances'"),
        ({"signature_name": 1, "inputs": {}}, "'signature_name' key must be a string"),
        ({"signature_name": "draw", "inputs": {}}, '"draw" not found'),
        ({"instances": []}, "'instances' is no list of objects"),
        ({"instances": [1, 2]}, "'instances' is no list of objects"),
        ({"instances": [{"seed": 1}]}, "Missing but required: {frames}"),
        ({"instances": [{"seed": 1}, {"frames": 1}]}, "with equal keys"),
        ({"inputs": [1]}, "no object of the inputs frames, seed"),
        ({"inputs": {"frames": [[1], [1, 2]], "seed": [0]}}, "frames is no regular array"),
        ({"inputs": {"frames": [None], "seed": [0]}}, "frames is no regular array"),
        ({"inputs": {"frames": FRAMES.tolist(), "seed": [10**30]}}, "of type int64"),
        (images([{"b64": "%%"}] * 3), "image_bytes is no regular array"),
        (images([1, 2, 3]), "image_bytes is no regular array"),
        (images(["a"] * 3, ["b"]), "image_bytes is no regular array"),
        (images(["a"] * 2), "image_bytes:0, which has shape (None, 3)"),
    ],
)
def test_broken_json(ask, body, sentence):
    status, answer = ask(body)
    assert status == 400 and sentence in answer["error"]


def test_a_body_of_100_mb_is_refused(ask, stub):
    status, body = ask(b" " * 100_000_000)
    assert status == 413 and "larger than max" in body["error"]
    # Without a length, and compressed: what counts is what would lie in memory.
    assert ask(b" " * 1_000_000 for _ in range(100))[0] == 413
    packed = gzip.compress(b" " * 100_000_000)
    assert ask(packed, headers={"Content-Encoding": "gzip"})[0] == 413
    request = grpc_request({"frames": np.zeros(25_000_000, np.float32)})
    code, details = refused(stub.Predict, request)
    assert code == "RESOURCE_EXHAUSTED" and "larger than max" in details


@pytest.mark.parametrize(
    ("method", "route", "status", "sentence"),
    [
        ("GET", PREDICT, 400, "Malformed request: GET"),
        ("POST", "/v1/models/srvp", 400, "Malformed request: POST"),
        ("GET", "/", 400, "Malformed request"),
        ("POST", "/v1/models/svg:predict", 404, "request: svg"),
        ("POST", "/v1/models/srvp/versions/9:predict", 404, "Specific(srvp, 9)"),
        ("POST", "/v1/models/srvp/versions/x:predict", 400, "Malformed request"),
        ("POST", "/v1/models/srvp/labels/beta:predict", 400, "version label: beta"),
        ("GET", "/v1/models/svg", 404, "Could not find any versions of model svg"),
        ("GET", "/v1/models/svg/metadata", 404, "request: svg"),
    ],
)
def test_routes(ask, method, route, status, sentence):
    found, answer = ask(b"{}", route, method)
    assert found == status and sentence in answer["error"]


@pytest.mark.parametrize("which", ["", "/versions/1", "/labels/stable"])
def test_status(ask, which):
    status = {"error_code": "OK", "error_message": ""}
    available = {"version": "1", "state": "AVAILABLE", "status": status}
    found, answer = ask(None, f"/v1/models/srvp{which}", "GET")
    assert (found, answer) == (200, {"model_version_status": [available]})


def test_many_at_once(ask, stub, expected):
    def call(index):
        if index % 2:
            return tf.make_ndarray(stub.Predict(grpc_request(GOOD)).outputs["predicted_frames"])
        return ask(columns(GOOD))[1]["outputs"]["predicted_frames"]

    with ThreadPoolExecutor(16) as pool:
        for answer in pool.map(call, range(48)):
            np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-5)
