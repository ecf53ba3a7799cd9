"""The networks of DCGAN (Radford et al., 2016): convolutions of 4 x 4 with strides."""

from srvp_tf.config import ModelConfig
from srvp_tf.models.networks.architecture import stage_widths
from srvp_tf.models.networks.convolutional import ConvDecoder, ConvEncoder


class DCGANEncoder(ConvEncoder):
    """One convolution of stride 2 per stage; the first has no normalisation."""

    first_normalized = False
    reduction = 1
    """How many times smaller than a frame that is what the first stage reads."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        stages, width = [], config.channels  # tracked by Keras once it is whole
        widths = stage_widths(config.frame_size // self.reduction, config.nf)
        for i, filters in enumerate(widths):
            name, normalize = f"stage_{i}_0", i > 0 or self.first_normalized
            stages.append([self._block("conv4_stride2", width, filters, name, normalize=normalize)])
            width = filters
        self.stages, self.last = stages, self._last(width)


class DCGANDecoder(ConvDecoder):
    """One transposed convolution of stride 2 per stage; the last one makes the frame."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        widths = stage_widths(config.frame_size, config.nf)[::-1]
        self.first = self._first(widths[0])
        linear, stages = "transposed4_stride2", []
        for i, width in enumerate(widths):
            name, skip = f"stage_{i}_0", width if self.has_skips else 0
            if i + 1 < len(widths):
                block = self._block(linear, width, widths[i + 1], name, skip)
            else:
                block = self._output(linear, width, name, skip)
            stages.append([block])
        self.stages = stages


DCGAN = (DCGANEncoder, DCGANDecoder)
