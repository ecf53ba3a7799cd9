"""Golden values of the model: inference, prediction, three training steps."""

import json

import numpy as np
import tensorflow as tf

from srvp_tf.authors.names import torch_tensors
from srvp_tf.config import ModelConfig, TrainConfig
from srvp_tf.models.distributions import draw, gaussian
from srvp_tf.models.noise import ForecastNoise, TrainingNoise
from srvp_tf.models.srvp import SRVP
from srvp_tf.training.step import TrainingStep
from tests.golden.comparison import Row, Tolerance, relative_error

_NAMES = {
    "archi": "family",
    "nx": "frame_size",
    "nc": "channels",
    "skipco": "skips",
    "n_euler_steps": "euler_steps",
}
_SAME = "nf nhx ny nz nt_inf nh_inf nlayers_inf nh_res nlayers_res res_gain obs_scale".split()


def _parameters(normal):
    return np.concatenate([normal.loc, normal.scale], axis=-1)


def build_model(golden, precision):
    """The model of a golden file, with its weights, in "float32" or "float64"."""
    values = json.loads(str(golden["config"]))
    fields = {ours: values[theirs] for theirs, ours in _NAMES.items()}
    model = SRVP(
        ModelConfig(**fields, **{name: values[name] for name in _SAME}), precision=precision
    )
    for name, tensor in torch_tensors(model).items():
        tensor.variable.assign(tensor.from_torch(golden[f"weights/{name}"]))
    return model, values


def check(golden):
    """Rows for every quantity of a model's golden file."""
    errors = {p: dict(_errors(golden, p)) for p in ("float64", "float32")}
    family = json.loads(str(golden["config"]))["archi"]
    return [
        Row(name, error, errors["float32"][name], tolerance(name, family))
        for name, error in errors["float64"].items()
    ]


def tolerance(name, family):
    """The `Tolerance` of a quantity."""

    def pick(float64, dcgan, vgg):
        return Tolerance(float64, vgg if family == "vgg" else dcgan)

    step, _, quantity = name.partition("/")
    if name == "train0/grad (global L2)":
        return pick(1e-5, 1e-3, 2.5e-2)
    if quantity.startswith("grad/"):
        return pick(1e-5, 1e-3, 1.5e-1)
    if quantity.startswith("after/"):
        return pick(1e-6, 1e-5, 1e-4)
    if quantity in ("x", "x_rec", "x (forecast)"):
        return pick(1e-5, 1e-4, 2e-3)
    if quantity in ("loss", "nll", "kl_y1", "kl_z", "l2_res"):
        if step == "train0":
            return pick(1e-7, 1e-5, 2e-5)
        if quantity in ("loss", "nll"):
            return pick(1e-6, 1e-5, 3e-4)
        return pick(1e-5, 1e-5, 5e-3)
    return pick(1e-6, 1e-4, 1e-4)


def _errors(golden, precision):
    """(quantity, relative error) of one precision, in the order of the file's story."""
    model, values = build_model(golden, precision)

    def constant(key):
        return tf.constant(golden[key], precision)

    def params(key):  # golden heads are (mean, raw scale); ours are (mean, scale)
        return _parameters(gaussian(tf.constant(golden[key], tf.float64)))

    def compare(key, value):
        return key, relative_error(value, golden[key])

    observed = constant("x")[:, : values["nt_cond"]]
    encoding = model.encode(observed)
    inferred = model.infer(encoding)
    y_1 = draw(inferred.q_y1, constant("eval/eps_y1"))
    path = model.rollout(y_1, constant("eval/eps_z"), inferred.q_z)
    states = tf.concat([y_1[:, None], path.states[:, :, -1]], axis=1)
    yield compare("eval/frame_features", encoding.features)
    for i, skip in enumerate(inferred.skips or ()):
        yield compare(f"eval/skip_{i}", skip)
    yield compare("eval/w", inferred.content)
    for name, normal in (("q_y1", inferred.q_y1), ("q_z", inferred.q_z), ("p_z", path.p_z)):
        key = f"eval/{name}_params"
        yield key, relative_error(_parameters(normal), params(key))
    yield compare("eval/y", states)
    yield compare("eval/z", path.z)
    residuals = tf.reshape(path.residuals, golden["eval/residuals"].shape)
    yield compare("eval/residuals", residuals)
    yield compare("eval/x_rec", model.decode(inferred.content, states, inferred.skips))

    start = states[:, -1]
    predicted = model.rollout(start, constant("predict/eps_z"), euler_steps=values["gen_euler"])
    at_frames = predicted.states[:, :, -1]
    yield compare("predict/y", tf.concat([start[:, None], at_frames], axis=1))
    yield compare("predict/z", predicted.z)
    normal = _parameters(predicted.p_z)
    yield "predict/p_z_params", relative_error(normal, params("predict/p_z_params"))
    yield compare("predict/x", model.decode(inferred.content, at_frames, inferred.skips))
    noise = ForecastNoise(
        golden["eval/eps_y1"][:, None],
        np.concatenate([golden["eval/eps_z"], golden["predict/eps_z"]], axis=1)[:, None],
    )
    forecast = model.forecast_from_noise(observed, noise, values["gen_euler"])
    yield "predict/x (forecast)", relative_error(forecast[:, 0], golden["predict/x"])

    dense = model.rollout(start, constant("upsampled/eps_z"), euler_steps=values["gen_euler"])
    sub_steps = tf.reshape(dense.states, [start.shape[0], -1, values["ny"]])
    sub_steps = tf.concat([start[:, None], sub_steps], axis=1)
    yield compare("upsampled/y", sub_steps)
    yield compare("upsampled/x", model.decode(inferred.content, sub_steps, inferred.skips))

    yield from _training_errors(golden, precision, model, values)


def _training_errors(golden, precision, model, values):
    names = {"beta_y": "beta_y", "beta_z": "beta_z", "l2_res": "l2_res_weight"}
    step = TrainingStep(
        model, TrainConfig(lr_decay=0, **{ours: values[name] for name, ours in names.items()})
    )
    frames = tf.constant(golden["x"], precision)
    train = training_function(step, frames)
    for i in range(3):
        key = f"train{i}"
        noise = _recorded_noise(golden, key, precision)
        if i == 0:
            before = [variable.numpy() for variable in model.weights]
            outputs = model(frames, noise, training=True)
            yield f"{key}/x_rec", relative_error(outputs.frames, golden[f"{key}/x_rec"])
            yield f"{key}/w", relative_error(outputs.content, golden[f"{key}/w"])
            for variable, value in zip(model.weights, before, strict=True):
                variable.assign(value)
        gradients, mean = train(noise)
        yield f"{key}/loss", relative_error(mean.loss, golden[f"{key}/loss"])
        for name, term in mean.terms.items():
            yield f"{key}/{name}", relative_error(term, golden[f"{key}/{name}"])
        if i == 0:
            yield from first_step_errors(golden, torch_tensors(model), model, gradients)


def training_function(step, frames):
    """A graph of noise that takes one `TrainingStep` and returns (gradients, `Contribution`)."""

    @tf.function
    def train(noise):
        gradients, mean = step.gradients(frames, noise)
        step.update(gradients, mean)
        return gradients, mean

    return train


def first_step_errors(golden, tensors, model, gradients):
    """(quantity, relative error) of gradients, and of the statistics after a step.

    Args:
        golden: name -> array.
        tensors: name of the authors' -> `TorchTensor` of the model.
        model: after the step.
        gradients: of its trainable variables.
    """
    by_path = {
        variable.path: gradient.numpy()
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
    }
    ours, theirs = [], []
    for name, tensor in tensors.items():
        if tensor.variable.trainable:
            gradient = tensor.to_torch(by_path[tensor.variable.path])
            expected = golden[f"train0/grad/{name}"]
            yield f"train0/grad/{name}", relative_error(gradient, expected)
            ours.append(gradient.ravel())
            theirs.append(expected.ravel())
    ours, theirs = np.concatenate(ours).astype(np.float64), np.concatenate(theirs)
    yield (
        "train0/grad (global L2)",
        float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)),
    )
    for name, tensor in tensors.items():
        if not tensor.variable.trainable:
            value = tensor.to_torch(tensor.variable.numpy())
            yield f"train0/after/{name}", relative_error(value, golden[f"train0/after/{name}"])


def _recorded_noise(golden, step, precision):
    skip_frame = f"{step}/skip_frame"
    frames = golden[f"{step}/content_frames"]
    return TrainingNoise(
        y_1=tf.constant(golden[f"{step}/eps_y1"], precision),
        z=tf.constant(golden[f"{step}/eps_z"], precision),
        content_frames=tf.constant(frames),
        skip_frame=tf.constant(
            golden[skip_frame] if skip_frame in golden else np.zeros(len(frames), np.int64)
        ),
    )
