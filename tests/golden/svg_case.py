"""Golden values of SVG: both ways of predicting, three training steps."""

import json

import numpy as np
import tensorflow as tf

from srvp_tf.authors.names import AFFINE, CONVOLUTION, TRANSPOSED_CONVOLUTION, TorchTensor
from srvp_tf.config import ModelConfig, TrainConfig
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.models.svg.model import SVG
from srvp_tf.training.step import TrainingStep
from tests.golden.comparison import relative_error, rows_of
from tests.golden.model_case import tolerance, training_errors

_NAMES = {
    "family": "family",
    "nc": "channels",
    "g": "nhx",
    "z": "nz",
    "rnn": "nh_inf",
    "predictor_layers": "predictor_layers",
    "past": "nt_inf",
    "last_frame_skip": "last_frame_skip",
    "nf": "nf",
}
# Gradients of biases that a normalisation takes away again: the authors' are rounding.
_NO_GRADIENT = 1e-12


def build_model(golden, precision, batch_statistics=False):
    """(Model of a golden file with its weights, the file's configuration)."""
    values = json.loads(str(golden["config"]))
    fields = {ours: values[theirs] for theirs, ours in _NAMES.items()}
    size = golden["x"].shape[2]
    config = ModelConfig(model="svg", frame_size=size, **fields)
    model = SVG(config, precision=precision, batch_statistics=batch_statistics)
    for name, tensor in torch_tensors(model).items():
        tensor.variable.assign(tensor.from_torch(golden[f"weights/{name}"]))
    return model, values


def torch_tensors(model):
    """Every tensor of the authors' modules: name -> `TorchTensor`."""
    tensors = {}
    for name, block in (*_encoder_blocks(model), *_decoder_blocks(model)):
        convolution = CONVOLUTION if block.linear.output_axis == 3 else TRANSPOSED_CONVOLUTION
        path, norm = f"{name[0]}.{name[1]}", f"{name[0]}.{name[1] + 1}"
        tensors[f"{path}.weight"] = TorchTensor(block.kernel, convolution)
        tensors[f"{path}.bias"] = TorchTensor(block.bias)
        if block.norm is not None:
            tensors[f"{norm}.weight"] = TorchTensor(block.norm.scale)
            tensors[f"{norm}.bias"] = TorchTensor(block.norm.offset)
            tensors[f"{norm}.running_mean"] = TorchTensor(block.norm.mean)
            tensors[f"{norm}.running_var"] = TorchTensor(block.norm.variance)
    networks = (
        ("frame_predictor", model.predictor, {"output.0": "output_map"}),
        ("posterior", model.posterior, {"mu_net": "mean", "logvar_net": "log_variance"}),
        ("prior", model.prior, {"mu_net": "mean", "logvar_net": "log_variance"}),
    )
    for name, network, heads in networks:
        for theirs, ours in {"embed": "embed", **heads}.items():
            affine = getattr(network, ours)
            tensors[f"{name}.{theirs}.weight"] = TorchTensor(affine.kernel, AFFINE)
            tensors[f"{name}.{theirs}.bias"] = TorchTensor(affine.bias)
        for i, cell in enumerate(network.cells):
            path = f"{name}.lstm.{i}"
            tensors[f"{path}.weight_ih"] = TorchTensor(cell.kernel, AFFINE)
            tensors[f"{path}.weight_hh"] = TorchTensor(cell.recurrent_kernel, AFFINE)
            tensors[f"{path}.bias_ih"] = TorchTensor(cell.bias)
            tensors[f"{path}.bias_hh"] = TorchTensor(cell.recurrent_bias)
    return tensors


def _encoder_blocks(model):
    """((Module, number in it), block) of the encoder."""
    for i, stage in enumerate(model.encoder.stages, start=1):
        for j, block in enumerate(stage):
            number = f".{j}" if len(stage) > 1 else ""
            yield (f"encoder.c{i}{number}.main", 0), block
    yield (f"encoder.c{len(model.encoder.stages) + 1}", 0), model.encoder.last


def _decoder_blocks(model):
    """((Module, number in it), block) of the decoder."""
    yield ("decoder.upc1", 0), model.decoder.first
    for i, stage in enumerate(model.decoder.stages, start=2):
        for j, block in enumerate(stage):
            number = f".{j}" if len(stage) > 1 else ""
            if block.norm is None:  # the last convolution lies in no module of its own
                yield (f"decoder.upc{i}", j), block
            else:
                yield (f"decoder.upc{i}{number}.main", 0), block


def check(golden):
    """Rows for every quantity of a file of SVG."""
    family = json.loads(str(golden["config"]))["family"]
    return rows_of(_errors, golden, lambda name: _tolerance(name, family))


def _tolerance(name, family):
    """Those of SVG are those of SRVP: `mse` is its `nll`, `x_pred` its `x_rec`."""
    for ours, alike in (("/x_pred", "/x_rec"), ("/mse", "/nll"), ("_batch_statistics", "")):
        name = name.replace(ours, alike)
    return tolerance(name, family)


def _errors(golden, precision):
    """(quantity, relative error) of one precision."""
    for key in ("predict", "predict_batch_statistics"):
        model, values = build_model(golden, precision, batch_statistics=key != "predict")
        observed = tf.constant(golden["x"][:, : values["past"]], precision)
        z = tf.constant(golden[f"{key}/eps_z"], precision)
        forecast = model.forecast_from_noise(observed, ForecastNoise(z[:, None, 0, :0], z[:, None]))
        yield f"{key}/x", relative_error(forecast[:, 0], golden[f"{key}/x"])
    model, values = build_model(golden, precision)
    frames, z = [], tf.constant(golden["predict/eps_z"], precision)
    state = model.encode_state(observed, z[:, 0, :0], z[:, : values["past"] - 1])
    for t in range(values["past"] - 1, values["gen"] - 1):
        changed, frame = model.predict_from_state(state, z[:, t : t + 1])
        state |= changed
        frames.append(frame)
    yield "predict/x (one by one)", relative_error(tf.concat(frames, 1), golden["predict/x"])
    config = TrainConfig(lr_decay=0, learning_rate=values["lr"], beta_z=values["beta"])
    noises = [tf.constant(golden[f"train{i}/eps_z"], precision) for i in range(3)]
    without_gradient = {
        name: np.zeros_like(array)
        for name, array in golden.items()
        if name.startswith("train0/grad/") and np.abs(array).max() < _NO_GRADIENT
    }

    def first_errors(outputs):
        yield "train0/x_pred", relative_error(outputs.frames[:, 1:], golden["train0/x_pred"])
        for name, (q, p) in outputs.latents.items():
            for kind, normal in (("q", q), ("p", p)):
                parameters = tf.concat([normal.loc, 2.0 * tf.math.log(normal.scale)], -1)
                key = f"train0/{kind}_{name}_params"
                yield key, relative_error(parameters, golden[key])

    yield from training_errors(
        golden | without_gradient,
        precision,
        TrainingStep(model, config),
        noises,
        torch_tensors(model),
        first_errors,
    )
