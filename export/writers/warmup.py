"""Warm-up requests: what TensorFlow Serving asks a new version before it gets real requests."""

from pathlib import Path

import tensorflow as tf

WARMUP_FILE = "tf_serving_warmup_requests"


def write_warmup(path: Path, model_name: str, requests: dict[str, dict]) -> None:
    """Write a TFRecord file of one request per signature.

    Args:
        path: the file.
        model_name: what the server calls the model.
        requests: signature name -> name -> array of its inputs.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in requests.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = model_name
            request.model_spec.signature_name = name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
