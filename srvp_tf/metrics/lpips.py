"""LPIPS, the learned perceptual distance of two frames (Zhang et al., CVPR 2018).

AlexNet with the linear heads of version 0.1: the distance that the paper's tables give.
"""

import os

import keras
import tensorflow as tf

from srvp_tf.metrics import weight_cache
from srvp_tf.runs import checkpoints

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10
MINIMUM_SIZE = 31  # pixels; smaller frames leave nothing after the second pooling

# Filters, kernel size, stride and zero padding of AlexNet's convolutions.
_CONVOLUTIONS = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
_POOLED_BEFORE = (1, 2)


@keras.saving.register_keras_serializable("srvp_tf")
class LPIPS(keras.Model):
    """Perceptual distance: two sets of frames [..., H, W, C] in [-1, 1] -> float32 [...], >= 0.

    C is 1 or 3; grey is repeated to three channels. Leading axes broadcast, so that one truth is
    compared with many samples and passes the network once. H and W are at least 31.
    """

    def __init__(self, name="lpips"):
        super().__init__(name=name, dtype="float32")
        self.convolutions, self.heads = [], []
        channels = 3
        for i, (filters, size, stride, _) in enumerate(_CONVOLUTIONS, start=1):
            layer = keras.layers.Conv2D(
                filters, size, stride, activation="relu", name=f"conv{i}", dtype="float32"
            )
            layer.build((None, None, None, channels))
            self.convolutions.append(layer)
            self.heads.append(self.add_weight(name=f"head{i}", shape=(filters,)))
            # TensorFlow's checkpoints follow attributes, not Keras' lists.
            setattr(self, layer.name, layer)
            setattr(self, f"head{i}", self.heads[-1])
            channels = filters
        self.built = True

    def call(self, reference, distorted):
        reference, distorted = (
            tf.cast(tf.convert_to_tensor(frames), tf.float32) for frames in (reference, distorted)
        )
        for frames in (reference, distorted):
            _check(frames)
        distance = 0.0
        layers = zip(self.heads, self._features(reference), self._features(distorted), strict=True)
        for head, *maps in layers:
            gap = tf.reduce_mean(tf.math.squared_difference(*maps), axis=[-3, -2])
            # The head is a 1x1 convolution to one channel: it commutes with the mean over places.
            # No matrix product: of such ranks it corrupts memory, see frame_metrics.
            distance += tf.reduce_sum(gap * tf.convert_to_tensor(head), axis=-1)
        return distance

    def get_config(self):
        return {"name": self.name}

    def score(self, target, prediction):
        """The distance of frames [..., H, W, C] in [0, 1] -> [...], predictions clamped.

        As `psnr` and `ssim` take them.
        """
        return self(2.0 * target - 1.0, 2.0 * tf.clip_by_value(prediction, 0.0, 1.0) - 1.0)

    def _features(self, frames):
        """Yields the five feature maps [..., h, w, c], each position scaled to unit length."""
        leading = tf.shape(frames)[:-3]
        x = (tf.reshape(frames, [-1, *frames.shape[-3:]]) - SHIFT) / SCALE  # grey broadcasts
        for i, (layer, (*_, padding)) in enumerate(
            zip(self.convolutions, _CONVOLUTIONS, strict=True)
        ):
            if i in _POOLED_BEFORE:
                x = tf.nn.max_pool2d(x, 3, 2, "VALID")
            x = layer(tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]]))
            length = tf.sqrt(tf.reduce_sum(tf.square(x), axis=-1, keepdims=True))
            unit = x / (length + _EPSILON)
            yield tf.reshape(unit, tf.concat([leading, tf.shape(x)[1:]], axis=0))


def load_lpips(cache_dir: str | os.PathLike | None = None) -> LPIPS:
    """LPIPS with the weights of the cache; `UserError` if they are not there, or damaged.

    `cache_dir` is a folder; None: $SRVP_TF_CACHE, else srvp_tf in $XDG_CACHE_HOME or ~/.cache.
    """
    arrays, _ = weight_cache.read_weights("lpips", cache_dir)
    model = LPIPS()
    assign_weights(model, arrays, weight_cache.cache_path("lpips", cache_dir))
    return model


def assign_weights(model: keras.Model, arrays: dict, source: str | os.PathLike) -> None:
    """Give a metric's network its weights, by name; `UserError` unless all of them fit."""
    variables = {
        variable.path.removeprefix(f"{model.name}/"): variable.value for variable in model.weights
    }
    checkpoints.assign_arrays(variables, arrays, source)


def _check(frames: tf.Tensor) -> None:
    size = frames.shape[-3:]
    if size.rank != 3 or not size.is_fully_defined() or size[-1] not in (1, 3):
        raise ValueError(f"LPIPS needs frames of static size [H, W, 1 or 3], got {frames.shape}")
    if min(size[:2]) < MINIMUM_SIZE:
        raise ValueError(
            f"LPIPS needs frames of at least {MINIMUM_SIZE} x {MINIMUM_SIZE} pixels, "
            f"got {size[0]} x {size[1]}"
        )
