"""Models whose latent paths are known, and runs that need no training."""

import numpy as np

from srvp_tf.runs.run_folder import RunFolder, model_variables
from tests.models.small import small_model
from tests.runs import small_run


def varied_model(seed=0, **changes):
    """A small model with large weights: content, skips, states and noise all show in its frames."""
    model = small_model(seed=seed, **changes)
    random = np.random.default_rng(seed)
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


def varied_run(path, *arguments, kinds=("last",)):
    """The folder of a run as of `small_run`, with a varied model of its own for every kind."""
    config = small_run.config(*arguments)
    run = RunFolder(path)
    run.create(config)
    run.checkpoints().open()
    for seed, kind in enumerate(kinds):
        model = varied_model(seed, **vars(config.model))
        arrays = {key: np.asarray(value) for key, value in model_variables(model).items()}
        run.checkpoints().save(kind, 7, arrays, {"step": 7})
    return run.path
