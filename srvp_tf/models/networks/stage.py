"""A stage of a network: blocks in a row, whose inner activations can be computed twice."""

import tensorflow as tf


def run_stage(blocks, inputs, shared=None, training=False, remat=False):
    """Apply `ConvBlock`s in a row; `shared` belongs to the first one's input.

    With `remat`, training keeps the inputs and the outputs of the stage alone, and computes what
    lies between them again for the gradients: less memory for more work. Nothing else changes.
    """
    if not (training and remat):
        for block in blocks:
            inputs = block(inputs, shared, training=training)
            shared = None
        return inputs
    parameters = [block.parameters() for block in blocks]
    given = (inputs,) if shared is None else (inputs, shared)

    @tf.recompute_grad
    def transform(*tensors):
        *tensors, parameters = tensors
        outputs, *first_shared = tensors
        statistics = []
        for block, own in zip(blocks, parameters, strict=True):
            shared = first_shared.pop() if first_shared else None
            outputs, of_block = block.transform(outputs, shared, *own)
            statistics.append(of_block)
        return outputs, statistics

    outputs, statistics = transform(*given, parameters)
    # Outside: a running average that is computed twice must not be updated twice.
    for block, of_block in zip(blocks, statistics, strict=True):
        block.learn(of_block)
    return outputs
