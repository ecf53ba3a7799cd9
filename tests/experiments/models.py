"""Models whose latent paths are known."""

import numpy as np

from tests.models.small import small_model


def varied_model(**changes):
    """A small model with large weights: content, skips, states and noise all show in its frames."""
    model = small_model(**changes)
    random = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.split("/")[1] == "dynamics":
            variable.assign(0.7 * variable)  # untrained, it would run away
            continue
        value = variable.numpy() + random.normal(0, 0.3, variable.shape)
        variable.assign(np.abs(value) if "variance" in variable.path else value)
    return model


def even_motion(speed, **changes):
    """A model whose state moves by `speed` [ny] a frame, whatever y and z are."""
    model = varied_model(**changes)
    *_, kernel, bias = model.dynamics.residual.weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(np.broadcast_to(speed, bias.shape))
    return model
