"""I3D, the video network behind FVD (Carreira and Zisserman, CVPR 2017).

The RGB Inception of Kinetics-400 as TF-Hub's deepmind/i3d-kinetics-400/1 computes its tensor
RGB/inception_i3d/Mean. Batch normalisation, without a scale, is folded into kernels and biases.
"""

import os

import keras
import tensorflow as tf

from srvp_tf.metrics import weight_cache
from srvp_tf.metrics.lpips import assign_weights

FRAME_SIZE = 224
NUM_ACTIONS = 400
MINIMUM_FRAMES = 9  # fewer leave less than the two time steps that are averaged at the end

# Widths of an Inception module: branch 0; branch 1, narrow and wide; branch 2; branch 3.
_MODULES = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
_POOLED_BEFORE = {  # window and stride, (time, space)
    "Conv3d_2b_1x1": ((1, 3), (1, 2)),
    "Mixed_3b": ((1, 3), (1, 2)),
    "Mixed_4b": ((3, 3), (2, 2)),
    "Mixed_5b": ((2, 2), (2, 2)),
}
_STEM = {  # input channels, filters, kernel size, stride
    "Conv3d_1a_7x7": (3, 64, 7, 2),
    "Conv3d_2b_1x1": (64, 64, 1, 1),
    "Conv3d_2c_3x3": (64, 192, 3, 1),
}


@keras.saving.register_keras_serializable("srvp_tf")
class I3D(keras.Model):
    """Logits of 400 actions, averaged over time: videos [N, T, 224, 224, 3] in [-1, 1] -> [N, 400].

    T is at least 9. `units` holds the convolutions by DeepMind's paths, which have dots for slashes
    in the names of weights: "Mixed_3b/Branch_0/Conv3d_0a_1x1".
    """

    def __init__(self, name="i3d"):
        super().__init__(name=name, dtype="float32")
        self.units = {}
        for path, (inputs, *sizes) in _STEM.items():
            self._add_unit(path, inputs, *sizes)
        channels = 192
        for module, (b0, b1, b1_wide, b2, b2_wide, b3) in _MODULES.items():
            self._add_unit(f"{module}/Branch_0/Conv3d_0a_1x1", channels, b0)
            self._add_unit(f"{module}/Branch_1/Conv3d_0a_1x1", channels, b1)
            self._add_unit(f"{module}/Branch_1/Conv3d_0b_3x3", b1, b1_wide, 3)
            self._add_unit(f"{module}/Branch_2/Conv3d_0a_1x1", channels, b2)
            self._add_unit(f"{module}/Branch_2/Conv3d_0b_3x3", b2, b2_wide, 3)
            self._add_unit(f"{module}/Branch_3/Conv3d_0b_1x1", channels, b3)
            channels = b0 + b1_wide + b2_wide + b3
        self._add_unit("Logits/Conv3d_0c_1x1", channels, NUM_ACTIONS, activation=None)
        self.built = True

    def _add_unit(self, path, inputs, filters, size=1, stride=1, activation="relu"):
        name = path.replace("/", ".")
        layer = keras.layers.Conv3D(
            filters, size, stride, "same", activation=activation, name=name, dtype="float32"
        )
        layer.build((None, None, None, None, inputs))
        self.units[path] = layer
        setattr(self, name, layer)  # TensorFlow's checkpoints follow attributes, not dictionaries

    def call(self, videos):
        x = videos
        for path in _STEM:
            x = self.units[path](_pooled_before(path, x))
        for module in _MODULES:
            x = self._inception(module, _pooled_before(module, x))
        # The last convolution is 1x1x1, so it may come after the mean over space and time.
        x = tf.nn.avg_pool3d(x, [1, 2, 7, 7, 1], [1, 1, 1, 1, 1], "VALID")
        x = tf.reduce_mean(x, axis=[1, 2, 3], keepdims=True)
        return self.units["Logits/Conv3d_0c_1x1"](x)[:, 0, 0, 0]

    def get_config(self):
        return {"name": self.name}

    def _inception(self, module, x):
        def branch(number, *convolutions, start=x):
            for name in convolutions:
                start = self.units[f"{module}/Branch_{number}/{name}"](start)
            return start

        branches = (
            branch(0, "Conv3d_0a_1x1"),
            branch(1, "Conv3d_0a_1x1", "Conv3d_0b_3x3"),
            branch(2, "Conv3d_0a_1x1", "Conv3d_0b_3x3"),
            branch(3, "Conv3d_0b_1x1", start=_max_pool(x, (3, 3), (1, 1))),
        )
        return tf.concat(branches, axis=-1)


def load_i3d(cache_dir: str | os.PathLike | None = None) -> I3D:
    """I3D with the weights of the cache; `UserError` if they are not there, or damaged.

    `cache_dir` is a folder; None: $SRVP_TF_CACHE, else srvp_tf in $XDG_CACHE_HOME or ~/.cache.
    """
    arrays, _ = weight_cache.read_weights("fvd", cache_dir)
    model = I3D()
    assign_weights(model, arrays, weight_cache.cache_path("fvd", cache_dir))
    return model


def _pooled_before(layer: str, x: tf.Tensor) -> tf.Tensor:
    return _max_pool(x, *_POOLED_BEFORE[layer]) if layer in _POOLED_BEFORE else x


def _max_pool(x: tf.Tensor, window: tuple[int, int], stride: tuple[int, int]) -> tf.Tensor:
    sizes = ([1, time, space, space, 1] for time, space in (window, stride))
    return tf.nn.max_pool3d(x, *sizes, "SAME")
