"""Decoders: content and states to frames."""

import keras
import tensorflow as tf

from srvp_tf.models.initializers import child_seed
from srvp_tf.models.networks.architecture import LAST_MAP, stage_widths, vgg_decoder_widths
from srvp_tf.models.networks.conv_block import ConvBlock
from srvp_tf.models.networks.frozen_block import FrozenBlock
from srvp_tf.models.networks.stage import run_stage


class Decoder(keras.layers.Layer):
    """g of eq. 3: content w [B, nw], states y [B, K, ny] -> frames [B, K, H, W, C] in (0, 1).

    `skips` (or None) are the encoder's stage outputs for one frame of each video, deepest first,
    each [B, h, w, c]. What depends on w and on the skips alone is computed once per video, whatever
    the number K of states. Frames have the variable dtype.
    """

    def __init__(
        self,
        family,
        frame_size,
        channels,
        nf,
        nw,
        ny,
        skips,
        remat=False,
        frozen=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "family": family,
            "frame_size": frame_size,
            "channels": channels,
            "nf": nf,
            "nw": nw,
            "ny": ny,
            "skips": skips,
            "remat": remat,
            "frozen": frozen,
            "seed": seed,
        }
        widths = stage_widths(frame_size, nf)[::-1]
        skip_widths = widths if skips else [0] * len(widths)
        # The decoder reads (w, y): here what a video's frames share comes first.
        self.first = self._block("expansion4", ny, widths[0], "first", nw, shared_first=True)
        stages = []  # tracked by Keras once it is whole
        if family == "dcgan":
            for i, width in enumerate(widths):
                is_last = i == len(widths) - 1
                filters = channels if is_last else widths[i + 1]
                make = self._output_block if is_last else self._block
                name = f"stage_{i}_0"
                stages.append([make("transposed4_stride2", width, filters, name, skip_widths[i])])
        else:
            width = widths[0]
            for i, stage_filters in enumerate(vgg_decoder_widths(frame_size, nf)):
                blocks = []
                for j, filters in enumerate(stage_filters):
                    linear, shared = ("conv3", 0) if j else ("upsampled_conv3", skip_widths[i])
                    blocks.append(self._block(linear, width, filters, f"stage_{i}_{j}", shared))
                    width = filters
                stages.append(blocks)
            stages[-1].append(self._output_block("transposed3", width, channels, "output"))
        self.stages = stages

    def _block(self, linear, width, filters, name, shared_width=0, **options):
        make = FrozenBlock if self._config["frozen"] else ConvBlock
        block = make(
            linear,
            width,
            filters,
            shared_width,
            seed=child_seed(self._config["seed"], name),
            name=name,
            dtype=self.dtype_policy,
            **options,
        )
        setattr(self, f"{name}_block", block)  # for TensorFlow's checkpoints, as in the encoder
        return block

    def _output_block(self, linear, width, filters, name, shared_width=0):
        return self._block(
            linear, width, filters, name, shared_width, normalize=False, activation="sigmoid"
        )

    @property
    def blocks(self):
        """All blocks, from the input to the output."""
        return [self.first, *sum(self.stages, [])]

    @property
    def frame_bytes(self):
        """Memory that one frame's maps take in the widest block: its input, its output twice."""
        side, sizes = LAST_MAP, []
        for stage in self.stages:
            for block in stage:
                # The first block of a stage doubles the side.
                inputs = side**2 * block.in_channels
                side *= 2 if block is stage[0] else 1
                sizes.append(inputs + 2 * side**2 * block.filters)
        return max(sizes) * tf.as_dtype(self.compute_dtype).size

    def build(self, input_shape=None):
        for block in self.blocks:
            block.build()

    @property
    def output_shape(self):
        """Of the frames: for `summary`."""
        c = self._config
        return None, None, c["frame_size"], c["frame_size"], c["channels"]

    def call(self, content, states, skips=None, training=False):
        shape = tf.shape(states)
        flat_states = tf.reshape(states, [-1, self._config["ny"]])
        h = self.first(flat_states, content, training=training)
        for i, stage in enumerate(self.stages):
            skip = None if skips is None else skips[i]
            h = run_stage(stage, h, skip, training, self._config["remat"])
        return tf.reshape(h, tf.concat([shape[:2], tf.shape(h)[1:]], 0))

    def get_config(self):
        return super().get_config() | self._config
