"""Which of our variables is which tensor of the authors' PyTorch state dict."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

CONVOLUTION = (2, 3, 1, 0)  # OIHW -> HWIO
TRANSPOSED_CONVOLUTION = (2, 3, 1, 0)  # IOHW -> HWOI: the same permutation of other letters
AFFINE = (1, 0)


class TorchTensor(NamedTuple):
    """One of our variables, and the permutation of axes from PyTorch's layout to ours (or None)."""

    variable: tf.Variable
    axes: tuple[int, ...] | None = None

    def from_torch(self, array):
        """PyTorch's layout -> ours."""
        return array if self.axes is None else np.transpose(array, self.axes)

    def to_torch(self, array):
        """Our layout -> PyTorch's."""
        return array if self.axes is None else np.transpose(array, np.argsort(self.axes))


def torch_tensors(model):
    """Every tensor of the official state dict: name -> `TorchTensor`.

    `num_batches_tracked`, a counter that their batch normalisation keeps and never reads, has no
    counterpart.
    """
    return {
        **_encoder(model),
        **_decoder(model),
        **_affine("w_proj.0", model.content.frame_map),
        **_affine("w_inf.0", model.content.video_map),
        **_mlp("q_y", model.q_y1.head),
        **_lstm("inf_z", model.q_z.lstm),
        **_affine("q_z", model.q_z.head),
        **_mlp("p_z", model.dynamics.prior_head),
        **_mlp("dynamics", model.dynamics.residual),
    }


def _encoder(model):
    tensors = {}
    vgg = model.config.family == "vgg"
    for i, stage in enumerate(model.encoder.stages):
        for j, block in enumerate(stage):
            # In vgg the first module of every stage but the first is its pooling.
            name = f"encoder.conv.{i}.{j + (i > 0)}" if vgg else f"encoder.conv.{i}"
            tensors |= _conv_block(name, block)
    return tensors | _conv_block("encoder.last_conv" + (".1" if vgg else ""), model.encoder.last)


def _decoder(model):
    vgg = model.config.family == "vgg"
    tensors = _conv_block("decoder.first_upconv" + (".0" if vgg else ""), model.decoder.first)
    for i, stage in enumerate(model.decoder.stages):
        for j, block in enumerate(stage):
            tensors |= _conv_block(f"decoder.conv.{i}.{j}" if vgg else f"decoder.conv.{i}", block)
    return tensors


def _conv_block(name, block):
    transposed = block.linear.output_axis == 2
    kernel = TorchTensor(block.kernel, TRANSPOSED_CONVOLUTION if transposed else CONVOLUTION)
    if block.norm is None:
        # dcgan's first convolution stands in a sequence with its activation; the last of a decoder
        # stands alone.
        position = ".0" if block.activation == "leaky_relu" else ""
        return {f"{name}{position}.weight": kernel}
    return {
        f"{name}.0.weight": kernel,
        f"{name}.1.weight": TorchTensor(block.norm.scale),
        f"{name}.1.bias": TorchTensor(block.norm.offset),
        f"{name}.1.running_mean": TorchTensor(block.norm.mean),
        f"{name}.1.running_var": TorchTensor(block.norm.variance),
    }


def _affine(name, layer):
    return {
        f"{name}.weight": TorchTensor(layer.kernel, AFFINE),
        f"{name}.bias": TorchTensor(layer.bias),
    }


def _mlp(name, mlp):
    tensors = {}
    for i, layer in enumerate(mlp.layers):
        # Every affine map after the first follows an activation in one module.
        tensors |= _affine(f"{name}.module.{i}.{1 if i else 0}", layer)
    return tensors


def _lstm(name, lstm):
    return {
        f"{name}.weight_ih_l0": TorchTensor(lstm.kernel, AFFINE),
        f"{name}.weight_hh_l0": TorchTensor(lstm.recurrent_kernel, AFFINE),
        f"{name}.bias_ih_l0": TorchTensor(lstm.bias),
        f"{name}.bias_hh_l0": TorchTensor(lstm.recurrent_bias),
    }
