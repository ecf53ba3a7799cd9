"""Encoders and decoders of other frame sizes than the golden files'; memory of the decoder."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.config.registries import NETWORKS
from srvp_tf.errors import UserError

STAGES = {32: 3, 128: 5}
NF, NHX, NW, NY = 2, 7, 6, 5


@pytest.mark.parametrize("size", STAGES)
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_every_frame_size_goes_down_to_features_and_up_again(family, size):
    sizes = {"channels": 3, "nf": NF, "nhx": NHX, "nh_inf": NW, "ny": NY}
    config = ModelConfig(family, frame_size=size, skips=True, **sizes)
    encoder, decoder = (network(config, seed=0) for network in NETWORKS[family])
    encoder.build(), decoder.build()
    frames = tf.constant(np.random.default_rng(0).random((2, size, size, 3), np.float32))
    features, maps = encoder(frames, training=True)
    assert features.shape == (2, NHX)
    assert np.abs(features).max() < 1
    widths = [NF, 2 * NF, 4 * NF, 8 * NF, 8 * NF][: STAGES[size]]
    # vgg's first stage keeps the frame's size, dcgan's halves it.
    sides = [size // 2**i for i in range(family == "dcgan", STAGES[size] + (family == "dcgan"))]
    expected = [(2, side, side, width) for side, width in zip(sides, widths, strict=True)]
    assert [tuple(m.shape) for m in maps] == expected[::-1]
    frames = decoder(tf.zeros([2, NW]), tf.ones([2, 4, NY]), maps, training=True)
    assert frames.shape == (2, 4, size, size, 3)
    assert 0 < np.min(frames) and np.max(frames) < 1


@pytest.mark.parametrize(
    ("family", "widest"),
    # vgg: 64 maps at 32 x 32 become 64 at 64 x 64; dcgan: 128 at 16 x 16 become 64 at 32 x 32
    [("vgg", 32 * 32 * 64 + 2 * 64 * 64 * 64), ("dcgan", 16 * 16 * 128 + 2 * 32 * 32 * 64)],
)
def test_frame_bytes_are_those_of_the_widest_block(family, widest):
    decoder = NETWORKS[family][1](ModelConfig(family, nf=64), dtype="mixed_bfloat16")
    assert decoder.frame_bytes == 2 * widest


def test_the_encoder_of_half_the_size_has_no_skips():
    with pytest.raises(UserError, match="--family=dcgan_half has no skip connections"):
        NETWORKS["dcgan_half"][1](ModelConfig("dcgan_half", skips=True))
