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
from tests.golden.comparison import Tolerance, relative_error, rows_of

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
    family = json.loads(str(golden["config"]))["archi"]
    return rows_of(_errors, golden, lambda name: tolerance(name, family))


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

    names = {"beta_y": "beta_y", "beta_z": "beta_z", "l2_res": "l2_res_weight"}
    weights = {ours: values[name] for name, ours in names.items()}
    step = TrainingStep(model, TrainConfig(lr_decay=0, **weights))
    noises = [_recorded_noise(golden, f"train{i}", precision) for i in range(3)]

    def first_errors(outputs):
        yield compare("train0/x_rec", outputs.frames)
        yield compare("train0/w", outputs.content)

    yield from training_errors(golden, precision, step, noises, torch_tensors(model), first_errors)


def training_errors(golden, precision, step, noises, tensors, first_errors):
    """(quantity, relative error) of training steps on the file's frames.

    Args:
        golden: name -> array.
        precision: "float32" or "float64".
        step: a `TrainingStep`.
        noises: of each step.
        tensors: name of the authors' -> `TorchTensor` of the model.
        first_errors: gives (quantity, relative error) of the outputs of the first step.
    """
    frames, model = tf.constant(golden["x"], precision), step.model

    @tf.function
    def train(noise):
        gradients, mean = step.gradients(frames, noise)
        step.update(gradients, mean)
        return gradients, mean

    before = model.get_weights()
    yield from first_errors(model(frames, noises[0], training=True))
    model.set_weights(before)
    for i, noise in enumerate(noises):
        gradients, mean = train(noise)
        for name, value in {"loss": mean.loss, **mean.terms}.items():
            yield f"train{i}/{name}", relative_error(value, golden[f"train{i}/{name}"])
        if i == 0:
            yield from _first_step_errors(golden, tensors, model, gradients)


def _first_step_errors(golden, tensors, model, gradients):
    """(quantity, relative error) of gradients, and of the statistics after a step."""
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
