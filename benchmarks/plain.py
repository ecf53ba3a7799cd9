"""The model with its convolutional networks as anyone would write them: oracle and yardstick.

Keras' own convolutions and batch normalisation in both modes, the content and the skips repeated
for every frame and concatenated, nearest upsampling and then a convolution. `plain_copy(model)`
gives this form of an `SRVP` with the same weights; all that is not a convolution is the `SRVP`'s.

One number differs: Keras feeds the running variance with the biased variance of the batch, the
model with the unbiased one.
"""

import keras
import tensorflow as tf
from keras.layers import Conv2D, Conv2DTranspose

from srvp_tf.models.networks.architecture import stage_depths, stage_widths, vgg_decoder_widths
from srvp_tf.models.srvp import SRVP


def _block(policy, in_channels, kind, *args, normalize=True, activation="leaky_relu", **options):
    """Convolution, batch normalisation if any, activation; bounded outputs in variable dtype."""
    layers = [
        keras.Input((None, None, in_channels), dtype=policy.compute_dtype),
        kind(*args, **{"padding": "same", **options}, use_bias=False, dtype=policy),
    ]
    if normalize:
        layers.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=policy))
    bounded = activation != "leaky_relu"
    dtype = policy.variable_dtype if bounded else policy
    layers.append(keras.layers.Activation(activation, dtype=dtype))
    return keras.Sequential(layers)


class PlainEncoder(keras.layers.Layer):
    """Frames [N, H, W, C] -> (features [N, nhx], outputs of the stages, deepest first)."""

    def __init__(self, config, policy, **kwargs):
        super().__init__(dtype=policy, **kwargs)
        c, width = config, config.channels
        half = c.family == "dcgan_half"
        self.average = keras.layers.AveragePooling2D(2, dtype=policy) if half else None
        self.pool = keras.layers.MaxPooling2D(2, dtype=policy) if c.family == "vgg" else None
        self.stages = []
        for i, filters in enumerate(stage_widths(c.frame_size // (2 if half else 1), c.nf)):
            if self.pool:
                widths = [width] + [filters] * (stage_depths(c.frame_size)[i] - 1)
                self.stages.append([_block(policy, w, Conv2D, filters, 3) for w in widths])
            else:
                self.stages.append([_block(policy, width, Conv2D, filters, 4, 2, normalize=i > 0)])
            width = filters
        self.last = _block(policy, width, Conv2D, c.nhx, 4, padding="valid", activation="tanh")
        self.blocks = [*sum(self.stages, []), self.last]

    def build(self, input_shape=None):
        pass  # its blocks are

    def call(self, frames, training=False):
        h, outputs = self.average(frames) if self.average else frames, []
        for i, stage in enumerate(self.stages):
            if self.pool and i:
                h = self.pool(h)
            for block in stage:
                h = block(h, training=training)
            outputs.append(h)
        h = self.pool(h) if self.pool else h
        return self.last(h, training=training)[:, 0, 0], tuple(reversed(outputs))


class PlainDecoder(keras.layers.Layer):
    """Content [B, nw], states [B, K, ny] and skips -> frames [B, K, H, W, C]."""

    def __init__(self, config, policy, **kwargs):
        super().__init__(dtype=policy, **kwargs)
        self.config = c = config
        widths = stage_widths(c.frame_size, c.nf)[::-1]
        skips = widths if c.skips else [0] * len(widths)
        self.first = _block(policy, c.nh_inf + c.ny, Conv2DTranspose, widths[0], 4, padding="valid")
        self.upsample = None
        last = {"normalize": False, "activation": "sigmoid"}
        if c.family != "vgg":
            ends = [(width, {}) for width in widths[1:]] + [(c.channels, last)]
            self.stages = [
                [_block(policy, width + skip, Conv2DTranspose, filters, 4, 2, **options)]
                for width, skip, (filters, options) in zip(widths, skips, ends, strict=True)
            ]
        else:
            self.upsample = keras.layers.UpSampling2D(2, dtype=policy)
            self.stages, width = [], widths[0]
            for skip, filters in zip(skips, vgg_decoder_widths(c.frame_size, c.nf), strict=True):
                inputs = [width + skip, *filters[:-1]]
                pairs = zip(inputs, filters, strict=True)
                self.stages.append([_block(policy, i, Conv2D, f, 3) for i, f in pairs])
                width = filters[-1]
            self.stages[-1].append(_block(policy, width, Conv2DTranspose, c.channels, 3, **last))
        self.blocks = [self.first, *sum(self.stages, [])]

    def build(self, input_shape=None):
        pass  # its blocks are

    def call(self, content, states, skips=None, training=False):
        shape = tf.shape(states)

        def for_each_frame(x):  # [B, ...] -> [B K, ...]
            return tf.repeat(x, shape[1], axis=0)

        flat_states = tf.reshape(states, [-1, self.config.ny])
        h = tf.concat([for_each_frame(content), flat_states], axis=-1)[:, None, None]
        h = self.first(h, training=training)
        for i, stage in enumerate(self.stages):
            if self.upsample:
                h = self.upsample(h)
            if skips is not None:
                h = tf.concat([h, for_each_frame(tf.cast(skips[i], h.dtype))], axis=-1)
            for block in stage:
                h = block(h, training=training)
        return tf.reshape(h, tf.concat([shape[:2], tf.shape(h)[1:]], 0))


class PlainSRVP(SRVP):
    """An `SRVP` with the plain networks in the place of its own."""

    def build(self, input_shape=None):
        if self.built:
            return
        # Our networks have no weights before they are built: nothing of them stays.
        policy = keras.DTypePolicy(self.precision)
        self.encoder = PlainEncoder(self.config, policy, name="plain_encoder")
        self.decoder = PlainDecoder(self.config, policy, name="plain_decoder")
        super().build(input_shape)


def variable_pairs(model, plain):
    """(variable of an `SRVP`, the same one of its plain copy) for every variable."""
    pairs = []
    for ours, theirs in ((model.encoder, plain.encoder), (model.decoder, plain.decoder)):
        for block, plain_block in zip(ours.blocks, theirs.blocks, strict=True):
            convolution, *norm, _ = plain_block.layers
            pairs.append((block.kernel, convolution.kernel))
            if norm:
                own = block.norm
                in_keras_order = own.scale, own.offset, own.mean, own.variance
                pairs += zip(in_keras_order, norm[0].weights, strict=True)
    for part in ("content", "q_y1", "q_z", "dynamics"):
        pairs += zip(getattr(model, part).weights, getattr(plain, part).weights, strict=True)
    return pairs


def plain_copy(model):
    """The `PlainSRVP` with the weights of an `SRVP`."""
    plain = PlainSRVP(model.config, precision=model.precision)
    for ours, theirs in variable_pairs(model, plain):
        theirs.assign(ours.value)
    return plain
