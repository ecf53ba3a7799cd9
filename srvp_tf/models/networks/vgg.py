"""The networks of VGG16 (Simonyan and Zisserman, 2015): convolutions of 3 x 3 between poolings."""

from srvp_tf.config import ModelConfig
from srvp_tf.models.networks.architecture import (
    stage_depths,
    stage_widths,
    vgg_decoder_widths,
)
from srvp_tf.models.networks.convolutional import ConvDecoder, ConvEncoder


class VGGEncoder(ConvEncoder):
    """Two or three convolutions per stage, max-pooling between stages."""

    pooled = True

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        widths, depths = stage_widths(config.frame_size, config.nf), stage_depths(config.frame_size)
        stages, width = [], config.channels
        for i, (filters, depth) in enumerate(zip(widths, depths, strict=True)):
            blocks = []
            for j in range(depth):
                blocks.append(self._block("conv3", width, filters, f"stage_{i}_{j}"))
                width = filters
            stages.append(blocks)
        self.stages, self.last = stages, self._last(width)


class VGGDecoder(ConvDecoder):
    """The encoder's mirror image: nearest upsampling begins each stage."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(config, **kwargs)
        skip_widths = stage_widths(config.frame_size, config.nf)[::-1]
        width = skip_widths[0]
        self.first = self._first(width)
        stages = []
        for i, stage_filters in enumerate(vgg_decoder_widths(config.frame_size, config.nf)):
            blocks = []
            for j, filters in enumerate(stage_filters):
                skip = skip_widths[i] if self.has_skips and j == 0 else 0
                linear = "conv3" if j else "upsampled_conv3"
                blocks.append(self._block(linear, width, filters, f"stage_{i}_{j}", skip))
                width = filters
            stages.append(blocks)
        stages[-1].append(self._output("transposed3", width, "output"))
        self.stages = stages


VGG = (VGGEncoder, VGGDecoder)
