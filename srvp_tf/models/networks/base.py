"""What a family of networks is: an encoder and a decoder that `SRVP` can be made with.

class MyEncoder(Encoder): ...
class MyDecoder(Decoder): ...
NETWORKS.register("mine")((MyEncoder, MyDecoder))  # --family=mine
"""

import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.models.configured_layer import ConfiguredLayer


class Network(ConfiguredLayer):
    """An encoder or decoder of the settings of a model.

    Its sublayers are made in `__init__`, each with a `name`, which its weights are saved under, and
    with `dtype=self.dtype_policy`, as `self.part` makes them; they are built in `build`.

    Args:
        config: a `ModelConfig`.
        remat: compute activations twice in training, to save memory; a family may ignore it.
        frozen: for inference alone; `freeze` follows. A family may ignore it too.
        seed: of the initial weights.
    """

    def __init__(
        self,
        config: ModelConfig,
        remat: bool = False,
        frozen: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(config, seed, **kwargs)
        self.remat, self.frozen = remat, frozen

    def freeze(self, trained: "Network") -> None:
        """Take over what `trained`, a network of the same settings, has learned."""
        self.set_weights(trained.get_weights())

    def get_config(self) -> dict:
        return super().get_config() | {"remat": self.remat, "frozen": self.frozen}


class Encoder(Network):
    """Frames x [N, H, W, C] in [0, 1] -> (features h [N, nhx], maps).

    `call(frames, training=False)` returns features of the variable dtype, and a tuple of maps
    [N, h, w, c] for the skip connections of the family's decoder.
    """

    @property
    def output_shape(self) -> tuple:
        """Of the features: for `summary`."""
        return None, self.config.nhx


class Decoder(Network):
    """g of eq. 3: content w [B, nw], states y [B, K, ny] -> frames [B, K, H, W, C] in (0, 1).

    `call(content, states, skips=None, training=False)` gets as `skips` the encoder's maps of one
    frame of each video, [B, h, w, c] each, or None without skip connections. Frames have the
    variable dtype.
    """

    @property
    def frame_bytes(self) -> int:
        """Memory that decoding one frame takes: many are decoded at once, in bounded memory.

        Here that of three maps of nf channels of the frame's size.
        """
        c = self.config
        return 3 * c.frame_size**2 * c.nf * tf.as_dtype(self.compute_dtype).size

    @property
    def output_shape(self) -> tuple:
        """Of the frames: for `summary`."""
        c = self.config
        return None, None, c.frame_size, c.frame_size, c.channels
