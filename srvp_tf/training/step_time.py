"""How long a training step will take here, before the training starts."""

import time

import tensorflow as tf

from srvp_tf.config import Config
from srvp_tf.config.registries import MODELS
from srvp_tf.training.step import TrainingStep

_TRIED_STEPS = 3
_BESIDE_GRADIENTS = 1.2  # updates, validations, checkpoints


def step_seconds(config: Config) -> float:
    """About how long a training step takes here, tried out on a model that is thrown away.

    Without a graph, as the real one takes long to build: what that costs a step is known from one
    video alone, and left out.
    """
    m, batch_size = config.model, config.train.batch_size
    model = MODELS[m.model](m, config.train.precision)
    step = TrainingStep(model, config.train)
    shape = (config.data.train_length, m.frame_size, m.frame_size, m.channels)

    def seconds(videos: int):
        clips, taken = tf.zeros([videos, *shape]), []
        decoded = config.train.decoded_frames
        noise = model.training_noise(0, 1, tf.range(videos), shape[0], decoded)
        for _ in range(1 + _TRIED_STEPS):  # the first one prepares kernels
            begin = time.perf_counter()
            step.gradients(clips, noise)[0][0].numpy()
            taken.append(time.perf_counter() - begin)
        return min(taken)

    whole, one = seconds(batch_size), seconds(1)
    own = (whole - one) * batch_size / max(batch_size - 1, 1)
    return max(own, whole / 3) * _BESIDE_GRADIENTS  # other programs may have slowed that one
