"""A SavedModel read by the TensorFlow of whatever Python runs this: nothing of ours is imported."""

import tensorflow as tf


def load(path):
    """(A caller of the signatures of a SavedModel, the version of TensorFlow that reads it)."""
    model = tf.saved_model.load(str(path))

    def call(name, tensors):
        function = model.signatures[name]
        inputs = function.structured_input_signature[1]
        outputs = function(**{key: tf.constant(tensors[key]) for key in inputs})
        return {key: value.numpy() for key, value in outputs.items()}

    return call, tf.__version__
