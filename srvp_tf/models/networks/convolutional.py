"""What the two published families share: convolution blocks in stages, one for each resolution."""

import keras
import tensorflow as tf

from srvp_tf.models.networks.architecture import LAST_MAP
from srvp_tf.models.networks.base import Decoder, Encoder, Network
from srvp_tf.models.networks.conv_block import ConvBlock
from srvp_tf.models.networks.frozen_block import FrozenBlock


def max_pool(x: tf.Tensor) -> tf.Tensor:
    """2 x 2 max-pooling: [N, H, W, C] -> [N, H / 2, W / 2, C]."""
    return tf.nn.max_pool2d(x, 2, 2, "VALID")


class _BlockNetwork(Network):
    """A network of `ConvBlock`s."""

    biases = False
    """Whether linear maps have biases."""

    def _block(
        self,
        linear: str,
        in_channels: int,
        filters: int,
        name: str,
        shared_channels: int = 0,
        **options,
    ):
        make = FrozenBlock if self.frozen else ConvBlock
        sizes = in_channels, filters, shared_channels
        block = self.part(make, name, linear, *sizes, bias=self.biases, **options)
        # TensorFlow's checkpoints follow attributes; a list of Keras' hides its layers from them.
        setattr(self, f"{name}_block", block)
        return block

    def build(self, input_shape: tuple | None = None) -> None:
        for block in self.blocks:
            block.build()

    def freeze(self, trained: Network) -> None:
        for block, trained_block in zip(self.blocks, trained.blocks, strict=True):
            block.freeze(trained_block)

    def _run(
        self,
        stage: list,
        inputs: tf.Tensor,
        shared: tf.Tensor | None = None,
        training: bool = False,
        **options,
    ):
        """Apply `ConvBlock`s in a row, called with `options`; `shared` is of the first one's input.

        With `remat`, training keeps the inputs and the outputs of the stage alone, and computes
        what lies between them again for the gradients: less memory for more work.
        """
        if not (training and self.remat):
            for block in stage:
                inputs = block(inputs, shared, training=training, **options)
                shared = None
            return inputs
        weights = [_values(block.trainable_variables) for block in stage]
        statistics = [_values(block.non_trainable_variables) for block in stage]

        @keras.remat
        def recomputed(given: tuple, weights: list, statistics: list):
            outputs, *first_shared = given
            updated = []
            for block, own, running in zip(stage, weights, statistics, strict=True):
                shared = first_shared.pop() if first_shared else None
                outputs, new = block.stateless_call(
                    own, running, outputs, shared, training=True, **options
                )
                updated.append(new)
            return outputs, updated

        given = (inputs,) if shared is None else (inputs, shared)
        outputs, updated = recomputed(given, weights, statistics)
        # Outside: a running average that is computed twice must not be updated twice.
        for block, new in zip(stage, updated, strict=True):
            for variable, value in zip(block.non_trainable_variables, new, strict=True):
                variable.assign(value)
        return outputs


def _values(variables: list):
    return [tf.convert_to_tensor(variable) for variable in variables]


class ConvEncoder(_BlockNetwork, Encoder):
    """Stages of blocks, each of half the resolution of the one before, and a last convolution.

    A subclass makes `self.stages`, lists of blocks, and `self.last`. The maps are the outputs of
    the stages, deepest first, in the compute dtype; the features lie in (-1, 1).
    """

    pooled = False
    """Whether 2 x 2 max-pooling halves the resolution between stages, in place of strides."""

    def _last(self, in_channels: int):
        return self._block("conv4_valid", in_channels, self.config.nhx, "last", activation="tanh")

    @property
    def blocks(self) -> list:
        """All blocks, from the input to the output."""
        return [*sum(self.stages, []), self.last]

    def call(self, frames: tf.Tensor, training: bool = False, **options) -> tuple[tf.Tensor, tuple]:
        h, outputs = frames, []
        for i, stage in enumerate(self.stages):
            if self.pooled and i > 0:
                h = max_pool(h)
            h = self._run(stage, h, training=training, **options)
            outputs.append(h)
        if self.pooled:
            h = max_pool(h)
        features = self.last(h, training=training, **options)[:, 0, 0]
        return features, tuple(reversed(outputs))


class ConvDecoder(_BlockNetwork, Decoder):
    """A map of 4 x 4 from (w, y), and stages of blocks, the first of which doubles the resolution.

    A subclass makes `self.first` and `self.stages`. What depends on w and on the skips alone is
    computed once per video, whatever the number K of states.
    """

    @property
    def has_skips(self) -> bool:
        """Whether each stage gets a map of the encoder."""
        return self.config.skips

    def _first(self, filters: int):
        c = self.config
        # The decoder reads (w, y): here what a video's frames share comes first.
        return self._block("expansion4", c.ny, filters, "first", c.nh_inf, shared_first=True)

    def _output(self, linear: str, in_channels: int, name: str, shared_channels: int = 0):
        options = {"normalize": False, "activation": "sigmoid"}
        filters = self.config.channels
        return self._block(linear, in_channels, filters, name, shared_channels, **options)

    @property
    def blocks(self) -> list:
        """All blocks, from the input to the output."""
        return [self.first, *sum(self.stages, [])]

    @property
    def frame_bytes(self) -> int:
        """Memory that one frame's maps take in the widest block: its input, its output twice."""
        side, sizes = LAST_MAP, []
        for stage in self.stages:
            for block in stage:
                inputs = side**2 * block.in_channels
                side *= 2 if block is stage[0] else 1
                sizes.append(inputs + 2 * side**2 * block.filters)
        return max(sizes) * tf.as_dtype(self.compute_dtype).size

    def call(
        self,
        content: tf.Tensor,
        states: tf.Tensor,
        skips: tuple | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        shape = tf.shape(states)
        flat_states = tf.reshape(states, [-1, self.config.ny])
        h = self.first(flat_states, content, training=training)
        for stage, skip in zip(self.stages, skips or [None] * len(self.stages), strict=True):
            h = self._run(stage, h, skip, training)
        return tf.reshape(h, tf.concat([shape[:2], tf.shape(h)[1:]], 0))
