"""Bounds on rounding errors that hold on every processor, and how to have none but those."""

import math

import keras
import ml_dtypes
import tensorflow as tf

from srvp_tf.models.networks import conv_block, convolutional


def rounding(dtype, depth, terms=1):
    """Relative error of `depth` blocks of a network, one after another, in `dtype`.

    A block rounds its input, its kernel, the output of its convolution and that of its
    normalisation, each by half an epsilon at most; where sums are in `dtype` too, each of their
    `terms` adds a rounding, in either direction: they grow as the root.
    """
    return 2 * depth * math.sqrt(terms) * float(ml_dtypes.finfo(dtype).eps)


def without_kinks(monkeypatch):
    """Smooth activations and pooling, in our networks and in the plain ones, for one test.

    A sum that falls on the other side of a kink, by rounding alone, changes a gradient by percents
    in so small a network; without kinks its error is of rounding's size. The kinks' own gradients
    are compared in float64.
    """
    monkeypatch.setattr(conv_block, "leaky_relu", tf.nn.elu)
    monkeypatch.setattr(convolutional, "max_pool", lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"))
    activation = keras.layers.Activation

    def smooth(name, **options):
        return activation("elu" if name == "leaky_relu" else name, **options)

    monkeypatch.setattr(keras.layers, "Activation", smooth)
    monkeypatch.setattr(keras.layers, "MaxPooling2D", keras.layers.AveragePooling2D)
