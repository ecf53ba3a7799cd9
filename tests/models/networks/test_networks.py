"""Encoders and decoders: the paper's shapes and sizes, and who is connected with whom."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.config.registries import NETWORKS
from srvp_tf.models.networks.conv_block import ConvBlock

STAGES = {32: 3, 64: 4, 128: 5}
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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_full_size_encoder_has_the_published_number_of_weights(family, channels):
    encoder = make(0, family, 64, channels, 64, 128)
    encoder.build()
    assert trainable_size(encoder) == published_encoder(family, channels, 64, 128)


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_full_size_decoder_has_the_published_number_of_weights(family, skips):
    decoder = make(1, family, 64, 3, 64, nw=256, ny=50, skips=skips)
    decoder.build()
    assert trainable_size(decoder) == published_decoder(family, 3, 64, 306, skips)


def random_frames(size, batch=2, channels=3):
    return tf.constant(np.random.default_rng(0).random((batch, size, size, channels), np.float32))


@pytest.mark.parametrize("size", STAGES)
@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_every_frame_size_goes_down_to_features_and_up_again(family, size):
    encoder = make(0, family, size, 3, seed=0)
    decoder = make(1, family, size, 3, skips=True, seed=0)
    encoder.build(), decoder.build()
    features, maps = encoder(random_frames(size), training=True)
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


def plain_block(block, x):
    """A block in inference, with the input already concatenated."""
    joined = ConvBlock(
        block._config["linear"],
        block.in_channels + block.shared_channels,
        block.filters,
        normalize=block.norm is not None,
        activation=block.activation,
        dtype="float64",
    )
    joined.build()
    joined.set_weights(block.get_weights())
    return joined(x)


def upsample(x):
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def plain_decoder(decoder, family, content, states, skips):
    """Step by step: concat(w, y), upsample, concat(features, skip); one frame a time."""
    frames = []
    for k in range(states.shape[1]):
        h = plain_block(decoder.first, tf.concat([content, states[:, k]], axis=-1))
        for i, stage in enumerate(decoder.stages):
            for j, block in enumerate(stage):
                if family == "vgg" and j == 0:
                    h = tf.concat([upsample(h), skips[i]], axis=-1)
                    block._config["linear"] = "conv3"
                elif family == "dcgan":
                    h = tf.concat([h, skips[i]], axis=-1)
                h = plain_block(block, h)
        frames.append(h)
    return tf.stack(frames, axis=1)


@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_the_decoder_is_its_definition_step_by_step(family):
    random = np.random.default_rng(0)
    encoder = make(0, family, 64, 3, seed=1, dtype="float64")
    decoder = make(1, family, 64, 3, skips=True, seed=2, dtype="float64")
    encoder.build(), decoder.build()
    for variable in decoder.variables:  # away from neutral statistics
        if "norm" in variable.path:
            variable.assign(variable + 0.2 * random.normal(size=variable.shape))
        else:
            variable.assign(5.0 * variable)
    _, skips = encoder(tf.constant(random.random((2, 64, 64, 3))))
    content, states = tf.constant(random.normal(size=(2, NW))), random.normal(size=(2, 3, NY))
    frames = decoder(content, tf.constant(states), skips)
    expected = plain_decoder(decoder, family, content, tf.constant(states), skips)
    np.testing.assert_allclose(frames, expected, atol=1e-9)
    assert np.std(expected) > 1e-3


def test_vgg_skips_are_taken_before_the_pool_of_the_next_stage():
    encoder = make(0, "vgg", 32, 3, seed=0)
    encoder.build()
    frames = random_frames(32)
    features, maps = encoder(frames)
    h = frames
    for i, stage in enumerate(encoder.stages):
        h = tf.nn.max_pool2d(h, 2, 2, "VALID") if i else h
        for block in stage:
            h = block(h)
        np.testing.assert_allclose(maps[len(maps) - 1 - i], h, rtol=1e-6)
    h = tf.nn.max_pool2d(h, 2, 2, "VALID")
    np.testing.assert_allclose(features, encoder.last(h)[:, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("family", ["dcgan", "vgg"])
def test_only_the_first_block_of_dcgan_and_the_last_of_a_decoder_lack_a_norm(family):
    encoder = make(0, family, 64, 1)
    decoder = make(1, family, 64, 1)
    without = [
        block.name
        for block in [*sum(encoder.stages, []), encoder.last, decoder.first]
        + sum(decoder.stages, [])
        if not block.normalize
    ]
    assert without == (["stage_0_0", "stage_3_0"] if family == "dcgan" else ["output"])


@pytest.mark.parametrize(
    ("family", "widest"),
    # vgg: 64 maps at 32 x 32 become 64 at 64 x 64; dcgan: 128 at 16 x 16 become 64 at 32 x 32
    [("vgg", 32 * 32 * 64 + 2 * 64 * 64 * 64), ("dcgan", 16 * 16 * 128 + 2 * 32 * 32 * 64)],
)
def test_frame_bytes_are_those_of_the_widest_block(family, widest):
    decoder = make(1, family, 64, 1, nf=64, dtype="mixed_bfloat16")
    assert decoder.frame_bytes == 2 * widest
