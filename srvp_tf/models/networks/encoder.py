"""Encoders: a frame to its features and the maps that skip connections carry."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import child_seed
from srvp_tf.models.networks.architecture import stage_depths, stage_widths
from srvp_tf.models.networks.conv_block import ConvBlock
from srvp_tf.models.networks.frozen_block import FrozenBlock
from srvp_tf.models.networks.stage import run_stage


class Encoder(keras.layers.Layer):
    """Frames x [N, H, W, C] in [0, 1] -> (features h [N, nhx], outputs of the stages).

    The outputs of the stages are ordered deepest first, each [N, h, w, c] in the compute dtype; the
    features lie in (-1, 1), in the variable dtype.
    """

    def __init__(
        self, family, frame_size, channels, nf, nhx, remat=False, frozen=False, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self._config = {
            "family": family,
            "frame_size": frame_size,
            "channels": channels,
            "nf": nf,
            "nhx": nhx,
            "remat": remat,
            "frozen": frozen,
            "seed": seed,
        }
        self.pooled = family == "vgg"
        widths = stage_widths(frame_size, nf)
        depths = stage_depths(frame_size) if self.pooled else [1] * len(widths)
        linear = "conv3" if self.pooled else "conv4_stride2"
        self.stages = []
        width = channels
        for i, (filters, depth) in enumerate(zip(widths, depths, strict=True)):
            blocks = []
            for j in range(depth):
                normalize = self.pooled or i > 0  # dcgan's first convolution has none
                blocks.append(self._block(linear, width, filters, f"stage_{i}_{j}", normalize))
                width = filters
            self.stages.append(blocks)
        self.last = self._block("conv4_valid", width, nhx, "last", activation="tanh")

    def _block(self, linear, width, filters, name, normalize=True, activation="leaky_relu"):
        make = FrozenBlock if self._config["frozen"] else ConvBlock
        block = make(
            linear,
            width,
            filters,
            normalize=normalize,
            activation=activation,
            seed=child_seed(self._config["seed"], name),
            name=name,
            dtype=self.dtype_policy,
        )
        # TensorFlow's checkpoints follow attributes; a list of Keras' hides its layers from them.
        setattr(self, f"{name}_block", block)
        return block

    @property
    def blocks(self):
        """All blocks, from the input to the output."""
        return [*sum(self.stages, []), self.last]

    def build(self, input_shape=None):
        for block in self.blocks:
            block.build()

    @property
    def output_shape(self):
        """Of the features: for `summary`."""
        return None, self._config["nhx"]

    def call(self, frames, training=False):
        h, outputs = frames, []
        for i, stage in enumerate(self.stages):
            if self.pooled and i > 0:
                h = _max_pool(h)
            h = run_stage(stage, h, training=training, remat=self._config["remat"])
            outputs.append(h)
        if self.pooled:
            h = _max_pool(h)
        features = self.last(h, training=training)[:, 0, 0]
        return features, tuple(reversed(outputs))

    def get_config(self):
        return super().get_config() | self._config


def _max_pool(x):
    return tf.nn.max_pool2d(x, 2, 2, "VALID")
