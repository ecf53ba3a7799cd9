"""A stage of a network: blocks in a row, whose inner activations can be computed twice."""

import keras
import tensorflow as tf


def run_stage(
    blocks: list,
    inputs: tf.Tensor,
    shared: tf.Tensor | None = None,
    training: bool = False,
    remat: bool = False,
    **options,
) -> tf.Tensor:
    """Apply `ConvBlock`s in a row, called with `options`; `shared` is of the first one's input.

    With `remat`, training keeps the inputs and the outputs of the stage alone, and computes what
    lies between them again for the gradients: less memory for more work. Nothing else changes.
    """
    if not (training and remat):
        for block in blocks:
            inputs = block(inputs, shared, training=training, **options)
            shared = None
        return inputs
    weights = [_values(block.trainable_variables) for block in blocks]
    statistics = [_values(block.non_trainable_variables) for block in blocks]
    given = (inputs,) if shared is None else (inputs, shared)

    @keras.remat
    def stage(given: tuple, weights: list, statistics: list):
        outputs, *first_shared = given
        updated = []
        for block, own, running in zip(blocks, weights, statistics, strict=True):
            shared = first_shared.pop() if first_shared else None
            outputs, new = block.stateless_call(
                own, running, outputs, shared, training=True, **options
            )
            updated.append(new)
        return outputs, updated

    outputs, updated = stage(given, weights, statistics)
    # Outside: a running average that is computed twice must not be updated twice.
    for block, new in zip(blocks, updated, strict=True):
        for variable, value in zip(block.non_trainable_variables, new, strict=True):
            variable.assign(value)
    return outputs


def _values(variables: list):
    return [tf.convert_to_tensor(variable) for variable in variables]
