"""A convolution block for inference alone."""

import tensorflow as tf

from srvp_tf.models.networks.conv_block import ConvBlock


class FrozenBlock(ConvBlock):
    """What a `ConvBlock` does in inference, with its kernels folded, merged and cast once.

    Its weights are `ConvBlock.parameters` of inference; it cannot be trained.
    """

    def build(self, input_shape: tuple | None = None) -> None:
        def weight(name: str, shape: tf.TensorShape | tuple):
            return self.add_weight(
                tuple(shape),
                "zeros",
                name=name,
                dtype=self.compute_dtype,
                trainable=False,
                autocast=False,
            )

        own, shared = self._prepared(tf.zeros(self.kernel_shape))
        self.own_kernel = weight("own_kernel", own.shape)
        self.shared_kernel = None if shared is None else weight("shared_kernel", shared.shape)
        has_offset = self.normalize or self.has_bias
        self.offset = weight("offset", (self.filters,)) if has_offset else None

    def freeze(self, block: ConvBlock) -> None:
        """Take over what `block`, a `ConvBlock` of the same configuration, has learned."""
        own = (self.own_kernel, self.shared_kernel, self.offset)
        for variable, value in zip(own, block.parameters(), strict=True):
            if variable is not None:
                variable.assign(value)

    def parameters(
        self, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
        if training:
            raise ValueError("a frozen model cannot be trained: train the one that it came from")
        given = (self.own_kernel, self.shared_kernel, self.offset)
        return tuple(None if x is None else tf.convert_to_tensor(x) for x in given)
