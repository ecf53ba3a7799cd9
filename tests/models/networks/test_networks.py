"""Encoders and decoders: the paper's shapes and sizes, and who is connected with whom."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.config.registries import NETWORKS
from srvp_tf.errors import UserError

STAGES = {32: 3, 128: 5}
NF, NHX, NW, NY = 2, 7, 6, 5


def make(part, family, size, channels, nf=NF, nhx=NHX, nw=NW, ny=NY, skips=False, **options):
    """The encoder (part 0) or decoder (1) of a family."""
    config = ModelConfig(
        family, frame_size=size, channels=channels, nf=nf, nhx=nhx, nh_inf=nw, ny=ny, skips=skips
    )
    return NETWORKS[family][part](config, **options)


def convolutions(*layers):
    """Weights of (kernel size, inputs, outputs[, no norm]): kernel, norm's scale and offset."""
    return sum(k * k * i * o + (0 if rest else 2 * o) for k, i, o, *rest in layers)


def published_encoder(family, c, nf, nhx):
    """The paper's encoders, layer by layer, for frames of 64 x 64."""
    if family == "dcgan":
        return convolutions(
            (4, c, nf, "no norm"),
            (4, nf, 2 * nf),
            (4, 2 * nf, 4 * nf),
            (4, 4 * nf, 8 * nf),
            (4, 8 * nf, nhx),
        )
    return convolutions(
        *[(3, c, nf), (3, nf, nf)],
        *[(3, nf, 2 * nf), (3, 2 * nf, 2 * nf)],
        *[(3, 2 * nf, 4 * nf), (3, 4 * nf, 4 * nf), (3, 4 * nf, 4 * nf)],
        *[(3, 4 * nf, 8 * nf), (3, 8 * nf, 8 * nf), (3, 8 * nf, 8 * nf)],
        (4, 8 * nf, nhx),
    )


def published_decoder(family, c, nf, inputs, skips):
    s = int(skips)  # a skip doubles the input of its stage
    if family == "dcgan":
        return convolutions(
            (4, inputs, 8 * nf),
            (4, 8 * nf + s * 8 * nf, 4 * nf),
            (4, 4 * nf + s * 4 * nf, 2 * nf),
            (4, 2 * nf + s * 2 * nf, nf),
            (4, nf + s * nf, c, "no norm"),
        )
    return convolutions(
        (4, inputs, 8 * nf),
        *[(3, 8 * nf + s * 8 * nf, 8 * nf), (3, 8 * nf, 8 * nf), (3, 8 * nf, 4 * nf)],
        *[(3, 4 * nf + s * 4 * nf, 4 * nf), (3, 4 * nf, 4 * nf), (3, 4 * nf, 2 * nf)],
        *[(3, 2 * nf + s * 2 * nf, 2 * nf), (3, 2 * nf, nf)],
        *[(3, nf + s * nf, nf), (3, nf, c, "no norm")],
    )


def trainable_size(layer):
    return sum(int(np.prod(v.shape)) for v in layer.trainable_variables)


@pytest.mark.parametrize(("channels", "skips"), [(1, False), (3, True)])
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_full_size_networks_have_the_published_number_of_weights(family, channels, skips):
    encoder = make(0, family, 64, channels, 64, 128)
    decoder = make(1, family, 64, channels, 64, nw=256, ny=50, skips=skips)
    encoder.build(), decoder.build()
    assert trainable_size(encoder) == published_encoder(family, channels, 64, 128)
    assert trainable_size(decoder) == published_decoder(family, channels, 64, 306, skips)


@pytest.mark.parametrize("size", STAGES)
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_every_frame_size_goes_down_to_features_and_up_again(family, size):
    encoder = make(0, family, size, 3, seed=0)
    decoder = make(1, family, size, 3, skips=True, seed=0)
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
    decoder = make(1, family, 64, 1, nf=64, dtype="mixed_bfloat16")
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
