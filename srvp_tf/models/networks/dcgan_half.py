"""DCGAN's networks, with an encoder that reads frames of half the size: 0.6 of the work of a step.

What moves and where it is can be told from fewer pixels than it is drawn with. Not published.
"""

import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.networks.dcgan import DCGANDecoder, DCGANEncoder


class HalfSizeEncoder(DCGANEncoder):
    """`DCGANEncoder` of frames whose squares of 2 x 2 pixels are averaged, with a stage less."""

    reduction = 2

    def call(self, frames: tf.Tensor, training: bool = False, **options) -> tuple[tf.Tensor, tuple]:
        return super().call(tf.nn.avg_pool2d(frames, 2, 2, "VALID"), training, **options)


class HalfSizeDecoder(DCGANDecoder):
    """`DCGANDecoder` without skip connections: the encoder has no map for its last stage."""

    def __init__(self, config: ModelConfig, **kwargs):
        if config.skips:
            raise UserError("--family=dcgan_half has no skip connections: use --family=dcgan")
        super().__init__(config, **kwargs)


DCGAN_HALF = (HalfSizeEncoder, HalfSizeDecoder)
