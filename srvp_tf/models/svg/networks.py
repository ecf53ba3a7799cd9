"""SVG's encoders and decoders: convolutions with biases, and a skip connection at every stage."""

from collections.abc import Sequence

import tensorflow as tf

from srvp_tf.models.networks.dcgan import DCGANDecoder, DCGANEncoder
from srvp_tf.models.networks.vgg import VGGDecoder, VGGEncoder


class SVGDCGANEncoder(DCGANEncoder):
    """`DCGANEncoder` with biases and a normalisation after every convolution."""

    biases = first_normalized = True


class SVGVGGEncoder(VGGEncoder):
    """`VGGEncoder` with biases."""

    biases = True


class _SVGDecoder:
    """Frames of features h [N, nhx] and the encoder's maps, in the place of states and content."""

    biases = has_skips = True

    def _first(self, filters: int):
        return self._block("expansion4", self.config.nhx, filters, "first")

    def call(
        self,
        features: tf.Tensor,
        skips: Sequence[tf.Tensor] | None = None,
        training: bool = False,
        time_steps: Sequence[int] | None = None,
        skip_parts: Sequence[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Features [N, nhx] -> frames [N, H, W, C] in (0, 1).

        Args:
            features: of the frames of B videos, each video's in a row; see `time_steps`.
            skips: the encoder's maps, deepest first, each [B, h, w, c].
            training, time_steps: as in `ConvBlock.call`.
            skip_parts: what `skip_parts` made of `skips`, in their place.
        """
        h = self.first(features, training=training, time_steps=time_steps)
        for i, stage in enumerate(self.stages):
            first, *others = stage
            if skip_parts is None:
                h = self._run(stage, h, skips[i], training, time_steps=time_steps)
            else:
                h = self._run(others, first(h, common=skip_parts[i]))
        return h

    def skip_parts(self, skips: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """What maps add in inference to every frame that is decoded with them, computed once."""
        return [stage[0].shared_part(skip) for stage, skip in zip(self.stages, skips, strict=True)]


class SVGDCGANDecoder(_SVGDecoder, DCGANDecoder):
    """`DCGANDecoder` of features."""


class SVGVGGDecoder(_SVGDecoder, VGGDecoder):
    """`VGGDecoder` of features."""


SVG_NETWORKS = {
    "dcgan": (SVGDCGANEncoder, SVGDCGANDecoder),
    "vgg": (SVGVGGEncoder, SVGVGGDecoder),
}
"""`--family` of `--model=svg`: name -> (class of the encoder, class of the decoder)."""
