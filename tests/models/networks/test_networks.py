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


@pytest.mark.parametrize("size", [64, 128])
def test_the_encoder_of_half_the_size_reads_averages_of_four_pixels(size):
    half, whole = make(0, "dcgan_half", size, 1, seed=0), make(0, "dcgan", size // 2, 1, seed=0)
    half.build(), whole.build()
    frames = np.random.default_rng(0).random((2, size, size, 1), np.float32)
    averages = frames.reshape(2, size // 2, 2, size // 2, 2, 1).mean((2, 4))
    for theirs, ours in zip(whole(averages), half(frames), strict=True):
        tf.nest.map_structure(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), theirs, ours
        )


def test_the_encoder_of_half_the_size_has_no_skips():
    with pytest.raises(UserError, match="--family=dcgan_half has no skip connections"):
        make(1, "dcgan_half", 64, 1, skips=True)
